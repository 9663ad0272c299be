/* csv: a page of one's own calls as a table for spreadsheets (RFC 4180). Private to api/. */
#ifndef BELLWIRE_API_CSV_H
#define BELLWIRE_API_CSV_H

#include "base/buf.h"
#include "http/http.h"
#include "store/store.h"

/* Whether the request asks for it: text/csv stands before JSON in Accept (RFC 9110 §12.5.1). */
bool api_csv_wanted(const struct http_req *req);

/* The header and a line for each call, as read->viewer_id saw it. */
void api_csv_write(struct buf *out, const struct store_read_history *read);

/* Answers it, or the error that stuck to the buffer; frees it. */
void api_csv_answer(struct http_req *req, struct buf *body);

#endif
