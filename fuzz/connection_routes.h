/* connection_routes: what an application's handlers do with requests, for connection_fuzz.c: bodies in pieces, held
 * back and given up, answers in pieces, late ones. */
#ifndef BELLWIRE_CONNECTION_ROUTES_H
#define BELLWIRE_CONNECTION_ROUTES_H

struct http_server;

/* At the start of an input: adds the routes. */
void routes_begin(struct http_server *s);

/* Goes on with bodies that are held back, and answers what waits. */
void routes_settle(void);

#endif
