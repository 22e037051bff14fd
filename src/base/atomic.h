/* C11 atomics under names that say their order, so that each use states it. In the builds made for
 * tests each but count_by is also a place where a test may make the thread yield.
 * SPDX-License-Identifier: MIT */
#ifndef EDDY_BASE_ATOMIC_H
#define EDDY_BASE_ATOMIC_H

#include <stdatomic.h>
#include <stddef.h>

#if defined(EDDY_TEST_HOOKS) && EDDY_TEST_HOOKS
/* Called before every atomic operation when set; see test/. */
typedef void schedule_hook_fn(void);
extern _Atomic(schedule_hook_fn *) schedule_hook;
static inline void schedule_point(void) {
    schedule_hook_fn *hook = atomic_load_explicit(&schedule_hook, memory_order_acquire);
    if (hook != NULL) hook();
}
#else
#define schedule_point() ((void)0)
#endif

#define load_relaxed(place) (schedule_point(), atomic_load_explicit(place, memory_order_relaxed))
#define load_acquire(place) (schedule_point(), atomic_load_explicit(place, memory_order_acquire))
#define store_relaxed(place, value)                                                                \
    (schedule_point(), atomic_store_explicit(place, value, memory_order_relaxed))
#define store_release(place, value)                                                                \
    (schedule_point(), atomic_store_explicit(place, value, memory_order_release))
#define exchange_acquire(place, value)                                                             \
    (schedule_point(), atomic_exchange_explicit(place, value, memory_order_acquire))
/* Sequentially consistent, for the places where two threads each write one word and read the
 * other's, and one of them must see the other's write. */
#define load_ordered(place) (schedule_point(), atomic_load_explicit(place, memory_order_seq_cst))
#define store_ordered(place, value)                                                                \
    (schedule_point(), atomic_store_explicit(place, value, memory_order_seq_cst))
#define exchange_ordered(place, value)                                                             \
    (schedule_point(), atomic_exchange_explicit(place, value, memory_order_seq_cst))
#define add_ordered(place, value)                                                                  \
    (schedule_point(), atomic_fetch_add_explicit(place, value, memory_order_seq_cst))
#define add_relaxed(place, value)                                                                  \
    (schedule_point(), atomic_fetch_add_explicit(place, value, memory_order_relaxed))
#define sub_relaxed(place, value)                                                                  \
    (schedule_point(), atomic_fetch_sub_explicit(place, value, memory_order_relaxed))
#define sub_release(place, value)                                                                  \
    (schedule_point(), atomic_fetch_sub_explicit(place, value, memory_order_release))
/* Weak: may fail for no reason, so it stands in a loop; a failure reloads *expected, relaxed. */
#define swap_weak_acquire(place, expected, value)                                                  \
    (schedule_point(),                                                                             \
     atomic_compare_exchange_weak_explicit(place, expected, value, memory_order_acquire,           \
                                           memory_order_acquire))
#define swap_weak_release(place, expected, value)                                                  \
    (schedule_point(),                                                                             \
     atomic_compare_exchange_weak_explicit(place, expected, value, memory_order_release,           \
                                           memory_order_relaxed))
#define swap_weak_ordered(place, expected, value)                                                  \
    (schedule_point(),                                                                             \
     atomic_compare_exchange_weak_explicit(place, expected, value, memory_order_seq_cst,           \
                                           memory_order_relaxed))
#define swap_strong_acquire(place, expected, value)                                                \
    (schedule_point(),                                                                             \
     atomic_compare_exchange_strong_explicit(place, expected, value, memory_order_acquire,         \
                                             memory_order_relaxed))
#define swap_strong_ordered(place, expected, value)                                                \
    (schedule_point(),                                                                             \
     atomic_compare_exchange_strong_explicit(place, expected, value, memory_order_seq_cst,         \
                                             memory_order_relaxed))
#define swap_strong_relaxed(place, expected, value)                                                \
    (schedule_point(),                                                                             \
     atomic_compare_exchange_strong_explicit(place, expected, value, memory_order_relaxed,         \
                                             memory_order_relaxed))

/* A counter that only its owner writes and anyone may read: no locked instruction. */
#define count_by(place, n)                                                                         \
    atomic_store_explicit(place, atomic_load_explicit(place, memory_order_relaxed) + (n),          \
                          memory_order_relaxed)

#endif
