/* A library that allocates while it is loaded and while it is unloaded, and waits there for a
 * thread that does.
 * SPDX-License-Identifier: MIT */
#include "common/guest.h"

__attribute__((constructor, destructor)) static void allocate(void) {
    pthread_t thread;
    burst(LITTLE);
    check(pthread_create(&thread, NULL, burst_in_thread, NULL) == 0);
    check(pthread_join(thread, NULL) == 0);
}
