/* s3: complete recordings in a bucket (Amazon's S3 or what speaks like it). Private to recording/.
 *
 * What comes in stays on the local disk until it is complete, so that an offset is acknowledged without waiting for the
 * bucket, and so that uploads go on while it is away.
 */
#ifndef BELLWIRE_RECORDING_S3_H
#define BELLWIRE_RECORDING_S3_H

#include "recording/inner.h"

struct s3;

/* ERR_CONFIG with one line in *why, ERR_NO_MEMORY. */
int s3_open(struct recordings *r, struct s3 **out, struct buf *why);
void s3_close(struct s3 *s, void (*cb)(void *arg), void *arg);

/* Moves media/ID to the bucket; once it is there, the local file goes. */
void s3_put(struct s3 *s, const char *id, const char *media_type, recording_err_cb done, void *arg);

/* Sends bytes of an object as the body of an answer that has begun, and ends it. */
void s3_send(struct s3 *s, const char *id, struct http_req *req, int64_t at, int64_t n);

/* ERR_IO when the bucket cannot be reached; what is not there is no error. */
void s3_remove(struct s3 *s, const char *id, recording_err_cb done, void *arg);

#endif
