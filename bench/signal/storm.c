/* A storm: every connection is cut in the same moment, and every client comes back at once, without any wait. */
#include "load.h"

#include <stdio.h>

#define STORM_MAX_US 120000000

bool storming;
bool with_tickets;
size_t n_resumed;
size_t n_again;

void storm(bool tickets)
{
	double cpu = -cpu_us();
	int64_t begin = now_us(), half = 0;
	storming = true;
	with_tickets = tickets;
	n_ready = n_resumed = n_again = 0;
	for (size_t i = 0; i < setup.n; i++)
		link_cut(&clients[i]);
	for (size_t i = 0; i < setup.n; i++)
		link_open(&clients[i]);
	while (n_ready < setup.n) {
		link_turn(1000000);
		if (!half && n_ready >= setup.n / 2)
			half = now_us() - begin;
		if (now_us() - begin > STORM_MAX_US)
			give_up("not all came back");
	}
	int64_t all = now_us() - begin;
	cpu += cpu_us();
	storming = false;
	printf("{\"halfMs\":%.0f,\"allMs\":%.0f,\"cpuMs\":%.0f,\"resumed\":%zu,\"again\":%zu}\n", (double)half / 1e3,
		(double)all / 1e3, cpu / 1e3, n_resumed, n_again);
	fflush(stdout);
}
