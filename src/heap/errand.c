/* SPDX-License-Identifier: MIT */
#include "heap/errand.h"

_Atomic uint32_t errands;
static _Atomic(errand_fn *) report;

bool errand_set(errand_t errand, bool on) {
    schedule_point();
    uint32_t before =
        on ? atomic_fetch_or_explicit(&errands, errand, memory_order_seq_cst)
           : atomic_fetch_and_explicit(&errands, ~(uint32_t)errand, memory_order_seq_cst);
    return (before & errand) != 0;
}

void errand_on_report(errand_fn *function) {
    /* Release pairs with the acquire in errand_report. */
    store_release(&report, function);
}

void errand_report(void) {
    bool asked = (load_ordered(&errands) & ERRAND_REPORT) != 0;
    if (asked && errand_set(ERRAND_REPORT, false)) load_acquire (&report)();
}
