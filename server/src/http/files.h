/* A folder served as static files. */
#ifndef BELLWIRE_HTTP_FILES_H
#define BELLWIRE_HTTP_FILES_H

struct http_server;

struct http_files_config {
	const char *root;     /* the folder */
	const char *pattern;  /* a route's pattern that ends in "*path" */
	const char *fallback; /* the file for paths without a file that ask for HTML, as "index.html"; null: 404 */
};

/* Serves GET and HEAD with ETag, If-None-Match, Last-Modified, one Range (If-Range), ".br" and ".gz" siblings. A folder
 * means its index.html. Names with a hash under assets/ are immutable to caches, others are asked for each time. Files
 * are read off the loop, and never from outside the folder (links that lead out, "..").
 * The folder is opened now: ERR_NOT_FOUND when there is none; ERR_EXISTS, ERR_NO_MEMORY as http_route. */
int http_files(struct http_server *s, const struct http_files_config *config);

#endif
