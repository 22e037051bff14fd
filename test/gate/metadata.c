/* What Eddy takes for itself, as the kernel counts it: of 64 MiB in use 0.3 %, and 16 KiB for each
 * thread, its stack included.
 * SPDX-License-Identifier: MIT */
#include <pthread.h>

#include "common/rollup.h"
#include "common/test.h"

const char *eddy_options = "scavenger=never";

enum { IN_USE = 64 << 20, THREADS_MOST = 32 };

static size_t anonymous_bytes(void) {
    return proc_number("/proc/self/smaps_rollup", "\nAnonymous:") * KIB;
}

static size_t live_bytes(void) {
    eddy_stats_t stats;
    eddy_stats_get(&stats, sizeof stats);
    return stats.live_bytes;
}

typedef struct share {
    size_t size, bytes;
    pthread_barrier_t *in_use;
} share_t;

/* Blocks of one size, written to the last byte, in a list by their first word. They are in use
 * between the two barriers. */
static void *use(void *argument) {
    const share_t *share = argument;
    void **last = NULL;
    for (size_t bytes = 0; bytes < share->bytes; bytes += share->size) {
        void **block = malloc(share->size);
        check(block != NULL);
        memset(block, 1, eddy_usable_size(block));
        *block = last;
        last = block;
    }
    pthread_barrier_wait(share->in_use);
    pthread_barrier_wait(share->in_use);
    while (last != NULL) {
        void **before = *last;
        free(last);
        last = before;
    }
    return NULL;
}

static size_t block_bytes;
static unsigned threads;

static void use_and_count(void) {
    pthread_t thread[THREADS_MOST];
    pthread_barrier_t in_use;
    share_t share = {block_bytes, IN_USE / threads, &in_use};
    pthread_barrier_init(&in_use, NULL, threads + 1);
    size_t anonymous = anonymous_bytes(), live = live_bytes();
    for (unsigned i = 0; i < threads; i++) {
        check(pthread_create(&thread[i], NULL, use, &share) == 0);
    }
    pthread_barrier_wait(&in_use);
    anonymous = anonymous_bytes() - anonymous;
    live = live_bytes() - live;
    pthread_barrier_wait(&in_use);
    for (unsigned i = 0; i < threads; i++) pthread_join(thread[i], NULL);
    size_t most = live * 3 / 1000 + threads * 16 * KIB;
    print_message("blocks of %zu B, %u threads: %zu KiB besides, at most %zu\n", block_bytes,
                  threads, (anonymous - live) / KIB, most / KIB);
    check(live >= IN_USE && anonymous > live && anonymous - live <= most);
}

/* In processes that have used no such amount before. */
static void metadata_is_a_small_share(void **state) {
    (void)state;
    static const size_t sizes[] = {16, 64, 1 * KIB, 8 * KIB, 64 * KIB, MIB};
    for (size_t i = 0; i < LENGTH(sizes); i++) {
        for (threads = 1; threads <= THREADS_MOST; threads *= 8) {
            block_bytes = sizes[i];
            assert_in_child(use_and_count);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(metadata_is_a_small_share),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
