/* doctor: what the parts of `bellwire doctor` share. Each line that is said passes, or tells how to mend it. */
#ifndef BELLWIRE_APP_DOCTOR_H
#define BELLWIRE_APP_DOCTOR_H

#include "app/config.h"
#include "app/probe.h"

struct doctor {
	struct config config;
	struct probe_target target;
	struct buf token;
	bool knows_nat;
	int n_bad;
	int n_warned;
};

__attribute__((format(printf, 2, 3))) void doctor_good(const char *name, const char *format, ...);
/* It works, but could be better. */
__attribute__((format(printf, 3, 4))) void doctor_look(struct doctor *d, const char *name, const char *format, ...);
__attribute__((format(printf, 3, 4))) void doctor_mend(struct doctor *d, const char *name, const char *format, ...);

/* One request, with further header fields. Its status; *head and *body are cleared first. */
int doctor_get(struct doctor *d, const char *path, struct str more, struct buf *head, struct buf *body);

/* The addresses that clients are given: bindings and allocations, and what a NAT in between does. */
void doctor_relay(struct doctor *d, struct buf *head, struct buf *body);

#endif
