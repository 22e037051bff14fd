/* The orders that the protocols between threads rely on, as litmus tests: two threads, a few steps
 * each, in step and very many times; the outcome that the order forbids is counted. The models of
 * test/model look at every schedule, but of a machine whose memory has no buffers: this looks at
 * the machine as it is, at what the compiler made of the code.
 *
 * The shapes by their usual names:
 *   message passing  one writes and tells, the other is told and reads
 *   load buffering   one reads and tells, the other is told and overwrites
 *   store buffering  each writes, then reads what the other wrote: one of them must see it
 *
 * The first test shows that the harness sees what it looks for, where nothing forbids it; the
 * mistakes "in no order" of test/seeded, that it would be seen in Eddy's own functions.
 * SPDX-License-Identifier: MIT */
#include <sched.h>

#include "alloc/fast.h"
#include "common/alone.h"
#include "common/inside.h"
#include "common/stress.h"
#include "memory/alarm.h"

/* ---- two threads in step ---- */

typedef struct shape {
    void (*prepare)(void); /* by the left thread, the right one waits */
    void (*left)(void);    /* these two at the same time */
    void (*right)(void);
    bool (*forbidden)(void); /* by the left thread again: whether the outcome is */
} shape_t;

enum { LEFT, RIGHT, SPINS_PER_YIELD = 200, DELAY_MOST = 1024 };

static struct { cache_aligned _Atomic size_t step; } side[2];
static const shape_t *shape;
static size_t rounds, forbidden;
static size_t standard_rounds;

static void wait_a_little(size_t turns) {
    for (size_t i = 0; i < turns; i++) __asm__ volatile("" ::: "memory");
}

/* What each did before, both see behind it. */
static void meet(size_t index, size_t step) {
    atomic_store_explicit(&side[index].step, step, memory_order_release);
    for (size_t spins = 1; atomic_load_explicit(&side[1 - index].step, memory_order_acquire) < step;
         spins++) {
        if (spins % SPINS_PER_YIELD == 0) sched_yield();
    }
}

/* Those that the test may run on, as it was started. */
static cpu_set_t processors;

static bool has_two_processors(void) { return CPU_COUNT(&processors) > 1; }

/* On one processor there is nothing to see, and a busy system leaves two that yield there. */
static void go_apart(size_t index) {
    if (!has_two_processors()) return;
    size_t at = 0, skipped = 0;
    while (!CPU_ISSET(at, &processors) || skipped++ < index) at++;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(at, &one);
    check(sched_setaffinity(0, sizeof one, &one) == 0);
}

static void run_side(size_t index, uint64_t *random) {
    go_apart(index);
    (void)thread_start();
    for (size_t round = 1; round <= rounds; round++) {
        if (index == LEFT) shape->prepare();
        size_t delay = random_below(random, 2) ? random_below(random, DELAY_MOST) : 0;
        meet(index, 2 * round);
        wait_a_little(delay);
        if (index == LEFT) {
            shape->left();
        } else {
            shape->right();
        }
        meet(index, 2 * round + 1);
        if (index == LEFT) forbidden += shape->forbidden();
    }
}

/* How often the outcome was the forbidden one. */
static size_t count_forbidden(const shape_t *of, size_t times) {
    atomic_store(&side[LEFT].step, 0);
    atomic_store(&side[RIGHT].step, 0);
    shape = of;
    rounds = times;
    forbidden = 0;
    crew_run(2, run_side);
    return forbidden;
}

static void assert_never(const shape_t *of) {
    assert_int_equal(count_forbidden(of, standard_rounds), 0);
}

/* ---- that the harness can see ---- */

static cache_aligned _Atomic uint32_t x;
static cache_aligned _Atomic uint32_t y;
static uint32_t left_saw, right_saw;

static void clear_both(void) {
    store_relaxed(&x, 0);
    store_relaxed(&y, 0);
}

static void write_x_read_y(void) {
    store_relaxed(&x, 1);
    left_saw = load_relaxed(&y);
}

static void write_y_read_x(void) {
    store_relaxed(&y, 1);
    right_saw = load_relaxed(&x);
}

static bool nobody_saw(void) { return left_saw == 0 && right_saw == 0; }

/* Every processor with a store buffer does it, and in far fewer rounds. */
static void store_buffering_without_an_order_is_seen(void **state) {
    (void)state;
    enum { PATIENCE = 200 };
    /* What the sanitizers add may order what the program does not. */
    if (SANITIZED || !has_two_processors()) skip();
    static const shape_t weak = {clear_both, write_x_read_y, write_y_read_x, nobody_saw};
    size_t seen = 0;
    for (int i = 0; i < PATIENCE && seen == 0; i++) {
        seen = count_forbidden(&weak, standard_rounds);
    }
    assert_true(seen > 0);
    print_message("seen %zu times in %zu rounds\n", seen, standard_rounds);
}

static void write_x_read_y_ordered(void) {
    store_ordered(&x, 1);
    left_saw = load_ordered(&y);
}

static void write_y_read_x_ordered(void) {
    store_ordered(&y, 1);
    right_saw = load_ordered(&x);
}

static void ordered_words_show_no_store_buffering(void **state) {
    (void)state;
    assert_never(
        &(shape_t){clear_both, write_x_read_y_ordered, write_y_read_x_ordered, nobody_saw});
}

/* ---- thread_free: page_give, page_collect, page_mark_full ---- */

enum { CHAIN = 3 };

/* A page of so many blocks, all handed out. */
typedef struct free_block {
    block_t link;
    uint64_t contents;
} free_block_t;

static page_t page;
static free_block_t blocks[CHAIN];
static uint64_t round_number;
static block_t *token;
static bool marked, torn;

static void hand_out_all(void) {
    round_number++;
    page.free = NULL;
    page.used = page.capacity = page.block_limit = CHAIN;
    store_relaxed(&page.thread_free, 0);
    for (size_t i = 0; i < CHAIN; i++) blocks[i] = (free_block_t){{NULL}, round_number};
    token = NULL;
    marked = torn = false;
}

static void give_chain(void) {
    for (size_t i = 0; i < CHAIN; i++) {
        blocks[i].link.next = i + 1 < CHAIN ? &blocks[i + 1].link : NULL;
        blocks[i].contents = ~round_number;
    }
    token = page_give(&page, &blocks[0].link, &blocks[CHAIN - 1].link, CHAIN);
}

/* Whether the free list is the chain, as it was given. */
static void walk_chain(void) {
    size_t length = 0;
    for (const block_t *block = page.free; block != NULL && length <= CHAIN; block = block->next) {
        torn |= ((const free_block_t *)(const void *)block)->contents != ~round_number;
        length++;
    }
    torn |= length != CHAIN || page.used != 0;
}

static void collect_if_told(void) {
    if (!page_has_pending(&page)) return;
    page_collect(&page);
    walk_chain();
}

static bool chain_is_torn(void) {
    if (page.free == NULL) collect_if_told();
    return torn || page.free == NULL;
}

static void a_chain_is_whole_when_it_is_collected(void **state) {
    (void)state;
    assert_never(&(shape_t){hand_out_all, collect_if_told, give_chain, chain_is_torn});
}

/* The last user of a block reads it and frees it; its next one writes. */
static uint64_t last_read;

static void read_and_give(void) {
    last_read = blocks[0].contents;
    token = page_give(&page, &blocks[0].link, &blocks[0].link, 1);
}

static void collect_and_write(void) {
    if (!page_has_pending(&page)) return;
    page_collect(&page);
    blocks[0].contents = ~round_number;
}

static bool read_what_came_later(void) { return last_read != round_number; }

static void a_block_is_not_read_as_its_next_user_writes_it(void **state) {
    (void)state;
    assert_never(&(shape_t){hand_out_all, collect_and_write, read_and_give, read_what_came_later});
}

static void mark(void) { marked = page_mark_full(&page); }

/* Either it is full and somebody is told, or the chain is there. */
static bool free_is_lost(void) {
    uint64_t pending = load_relaxed(&page.thread_free);
    uint32_t expected = marked ? CHAIN - 1 : CHAIN;
    return marked != (token != NULL) || (pending & PENDING_FULL) != 0 ||
           pending_count(pending) != expected;
}

static void a_page_is_full_or_frees_are_pending(void **state) {
    (void)state;
    assert_never(&(shape_t){hand_out_all, mark, give_chain, free_is_lost});
}

/* ---- frees into a heap whose thread ends: heap_abandon, remote_give ---- */

enum { BLOCK_BYTES = 8 << 10 };

static heap_t heap;
static page_t *last_page;
static block_t *last_block;

static void start_heap(void) {
    if (last_page == NULL) {
        heap_init(&heap);
    } else {
        heap_destroy_pages(&heap);
    }
    heap_start(&heap, thread_self);
    last_block = fast_heap_malloc(&heap, BLOCK_BYTES);
    check(last_block != NULL);
    last_page = page_of(last_block);
}

/* It is current, and marked full when the heap dies. */
static void use_up_page(void) {
    start_heap();
    for (uint32_t i = 1; i < last_page->block_limit; i++) {
        check(page_of(fast_heap_malloc(&heap, BLOCK_BYTES)) == last_page);
    }
}

static void fill_page(void) {
    use_up_page();
    check(page_of(fast_heap_malloc(&heap, BLOCK_BYTES)) != last_page);
    check(last_page->state == PAGE_FULL);
}

static void abandon_heap(void) { heap_abandon(&heap); }

static void free_last_block(void) { remote_give(last_page, last_block); }

static bool page_was_left(void) { return load_relaxed(&last_page->heap) == &heap; }

static void the_last_free_or_the_end_releases_a_page(void **state) {
    (void)state;
    assert_never(&(shape_t){start_heap, abandon_heap, free_last_block, page_was_left});
}

/* The page has a free block now. */
static bool token_was_left(void) {
    return load_relaxed(&heap.tokens) != NULL || last_page->state != PAGE_PARTIAL;
}

static void the_free_or_the_end_settles_a_token(void **state) {
    (void)state;
    assert_never(&(shape_t){use_up_page, abandon_heap, free_last_block, token_was_left});
    assert_never(&(shape_t){fill_page, abandon_heap, free_last_block, token_was_left});
}

/* ---- locks ---- */

static lock_t lock = LOCK_INIT(RANK_HEAP);
static size_t guarded[2];

static void clear_guarded(void) { guarded[0] = guarded[1] = 0; }

static void change_guarded(void) {
    torn |= guarded[0] != guarded[1];
    guarded[0]++;
    guarded[1]++;
    lock_release(&lock);
}

static void change_under_lock(void) {
    lock_acquire(&lock);
    change_guarded();
}

static void change_when_unlocked(void) {
    while (!lock_try(&lock)) os_yield();
    change_guarded();
}

static bool change_was_lost(void) { return torn || guarded[0] != 2 || guarded[1] != 2; }

static void a_lock_shows_all_that_its_last_holder_did(void **state) {
    (void)state;
    torn = false;
    assert_never(
        &(shape_t){clear_guarded, change_under_lock, change_when_unlocked, change_was_lost});
}

/* ---- the alarm: whoever has work rings, whoever finds none sleeps ---- */

static bool asleep;

static void no_work(void) {
    alarm_leave();
    store_relaxed(&x, 0);
}

static void look_and_sleep(void) {
    (void)alarm_set();
    asleep = load_relaxed(&x) == 0 && alarm_sleep();
}

static void sleep_and_look(void) {
    (void)alarm_set();
    asleep = alarm_sleep() && load_ordered(&x) == 0;
}

/* One that sleeps through it hangs. */
static void sleep_until_work(void) {
    (void)alarm_set();
    if (load_relaxed(&x) == 0 && alarm_sleep()) {
        while (load_relaxed(&alarm_word) == ALARM_ASLEEP) alarm_wait(-1);
    }
    (void)alarm_set();
    left_saw = load_relaxed(&x);
}

static bool woke_to_nothing(void) { return left_saw == 0; }

static void work_and_ring(void) {
    (void)exchange_ordered(&x, 1);
    alarm_ring();
}

static void work_plainly_and_ring(void) {
    store_relaxed(&x, 1);
    alarm_ring_always();
}

static bool sleeps_beside_work(void) { return asleep && load_relaxed(&alarm_word) == ALARM_ASLEEP; }

static void nobody_sleeps_beside_work(void **state) {
    (void)state;
    assert_never(&(shape_t){no_work, look_and_sleep, work_plainly_and_ring, sleeps_beside_work});
    assert_never(&(shape_t){no_work, look_and_sleep, work_and_ring, sleeps_beside_work});
    assert_never(&(shape_t){no_work, sleep_and_look, work_and_ring, sleeps_beside_work});
    alarm_leave();
}

static void whoever_sleeps_is_woken_and_finds_the_work(void **state) {
    (void)state;
    assert_never(&(shape_t){no_work, sleep_until_work, work_plainly_and_ring, woke_to_nothing});
    assert_never(&(shape_t){no_work, sleep_until_work, work_and_ring, woke_to_nothing});
    alarm_leave();
}

int main(int argc, char **argv) {
    stress_start(argc, argv);
    check(sched_getaffinity(0, sizeof processors, &processors) == 0);
    standard_rounds = stress_argument("rounds", TSAN ? 5000 : 20000);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(store_buffering_without_an_order_is_seen),
        cmocka_unit_test(ordered_words_show_no_store_buffering),
        cmocka_unit_test(a_chain_is_whole_when_it_is_collected),
        cmocka_unit_test(a_block_is_not_read_as_its_next_user_writes_it),
        cmocka_unit_test(a_page_is_full_or_frees_are_pending),
        cmocka_unit_test(the_last_free_or_the_end_releases_a_page),
        cmocka_unit_test(the_free_or_the_end_settles_a_token),
        cmocka_unit_test(a_lock_shows_all_that_its_last_holder_did),
        cmocka_unit_test(nobody_sleeps_beside_work),
        cmocka_unit_test(whoever_sleeps_is_woken_and_finds_the_work),
    };
    return stress_run(tests);
}
