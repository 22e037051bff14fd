/* The alarm of whoever returns memory in the background: rung where something came to be that it
 * may return one day. Ringing costs one load but for the first time in a window.
 *
 * The word is ALARM_RUNG as long as nobody listens. The listener sets it before it looks at what
 * there is to return, so that what comes afterwards rings again.
 * SPDX-License-Identifier: MIT */
#ifndef EDDY_MEMORY_ALARM_H
#define EDDY_MEMORY_ALARM_H

#include "base/atomic.h"
#include "base/base.h"

enum {
    ALARM_ASLEEP, /* the listener sleeps until it is rung */
    ALARM_SET,    /* it looks again soon */
    ALARM_RUNG
};

extern _Atomic uint32_t alarm_word hidden_symbol;

/* Whatever was done before: the listener sees it, or is rung. */
cold void alarm_ring_always(void);

/* Ordered: pairs with alarm_set and alarm_sleep. Either the listener sees what was done before this
 * call, or this call sees what the listener wrote: if it was done under a lock that the listener
 * takes to look, or by an ordered operation. A plain store may be seen after this load. */
static always_inline bool alarm_is_rung(void) { return load_ordered(&alarm_word) == ALARM_RUNG; }

static always_inline void alarm_ring(void) {
    if (unlikely(!alarm_is_rung())) alarm_ring_always();
}

/* The listener's: whether it was rung since it was set. */
bool alarm_set(void);
/* The listener found nothing: it will sleep, unless it was rung meanwhile (false). */
bool alarm_sleep(void);
/* Sleep until it is rung. For an alarm that alarm_sleep made sleep. */
void alarm_wait(int timeout_ms);
/* Nobody listens any more. */
void alarm_leave(void);

#endif
