/* timer: the part of a loop that keeps deadlines. Private to loop/. */
#ifndef BELLWIRE_LOOP_TIMER_H
#define BELLWIRE_LOOP_TIMER_H

#include "loop/loop.h"

void timer_heap_init(struct loop *l);

#endif
