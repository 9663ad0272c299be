/* file_meta: what headers say about files: types, validators, ranges. Pure. */
#ifndef BELLWIRE_HTTP_FILE_META_H
#define BELLWIRE_HTTP_FILE_META_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "base/str.h"

/* By the name's ending; "application/octet-stream" when it is not known. */
const char *file_type(struct str name);

/* Whether the name holds a hash of the content, as bundlers write it under assets/: "assets/index-B4x9Qz1k.js". */
bool file_is_hashed(struct str path);

/* Whether a path may be looked up: no empty, "." or ".." segment, none that begins with a dot. "" may. */
bool file_path_ok(struct str path);

/* Whether Accept-Encoding takes a coding (RFC 9110 §12.5.3): named, or "*", and not with q=0. */
bool file_takes_coding(struct str accept_encoding, const char *coding);

#define FILE_ETAG_SIZE 48
#define FILE_DATE_SIZE 30

/* A strong validator from time, size and coding (suffix "" when none). */
void file_etag(const struct timespec *mtime, int64_t size, const char *suffix, char out[FILE_ETAG_SIZE]);
void file_date(time_t t, char out[FILE_DATE_SIZE]);

/* RFC 9110 §13.1.2: whether If-None-Match names the etag, weak or strong, or is "*". */
bool file_etag_listed(struct str if_none_match, const char *etag);

/* A single byte range (RFC 9110 §14.1.2) of a file of that size. 0 and the bytes; ERR_NOT_FOUND when it is to be
 * ignored (another unit, several ranges, not well-formed); ERR_BAD_RANGE when it lies outside. */
int file_range(struct str range, int64_t size, int64_t *out_first, int64_t *out_n);

#endif
