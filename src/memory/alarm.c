/* SPDX-License-Identifier: MIT */
#include "memory/alarm.h"

#include "os/os.h"

_Atomic uint32_t alarm_word = ALARM_RUNG;

void alarm_ring_always(void) {
    if (exchange_ordered(&alarm_word, ALARM_RUNG) == ALARM_ASLEEP) os_wake_one(&alarm_word);
}

bool alarm_set(void) { return exchange_ordered(&alarm_word, ALARM_SET) == ALARM_RUNG; }

bool alarm_sleep(void) {
    uint32_t set = ALARM_SET;
    return swap_strong_ordered(&alarm_word, &set, ALARM_ASLEEP);
}

void alarm_wait(int timeout_ms) { os_wait(&alarm_word, ALARM_ASLEEP, timeout_ms); }

void alarm_leave(void) { store_relaxed(&alarm_word, ALARM_RUNG); }
