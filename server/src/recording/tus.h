/* What tus.c and tus_wire.c know of each other: the fields of tus 1.0.0. Private to recording/. */
#ifndef BELLWIRE_RECORDING_TUS_H
#define BELLWIRE_RECORDING_TUS_H

#include "recording/inner.h"

/* --- answers --- */

/* The fields that each of them has. */
void tus_add_fields(struct recordings *r, struct http_req *req);
void tus_add_location(const struct upload *u, struct http_req *req);
/* Answers with a problem; field: the one that is wrong, or null. */
void tus_refuse(struct recordings *r, struct http_req *req, int err, const char *field);
/* Answers with where the upload stands, and no body. */
void tus_answer(struct upload *u, struct http_req *req, int status);

/* --- what a request says --- */

/* Otherwise it is answered. */
bool tus_is_spoken(struct recordings *r, struct http_req *req);
/* The upload in the path, if it is the asker's own (the server's: any). Null: it is answered, and others learn nothing.
 */
struct upload *tus_find(struct recordings *r, struct http_req *req);
/* Upload-Metadata: call_id, media_type, file_name. Null, or what is wrong in it. */
const char *tus_read_metadata(struct str text, struct recording *row);
/* A field of digits; *out stays when there is none. Null, or the name when it is no number. */
const char *tus_read_number(struct http_req *req, const char *name, int64_t *out);
/* Upload-Checksum, if there is one: 0, or ERR_BAD_FIELD. */
int tus_read_checksum(struct http_req *req, struct append_config *out);

#endif
