/* Frees of other threads into a page that fills up: thread_free, its mark, and tokens.
 *
 * Models: page_give, page_mark_full, page_collect (heap/page.h, heap/page.c); remote_push
 * (heap/remote.c); heap_push_token, heap_settle, heap_settle_for (heap/token.c); put_aside,
 * switch_page, retire_empty_current, heap_count_out (heap/heap.c), heap_wake, heap_list_full
 * (heap/state.h). One inline stands for both of token.c: there is a single page, and its token is all
 * that either settles.
 *
 * A page of BLOCKS blocks; its owner allocates and frees; FREERS threads free chains of up to two
 * blocks. Shown for every schedule:
 *  - A block is handed out to one at a time, and retiring finds no block in use.
 *  - The chain of thread_free is as long as its word says.
 *  - When all threads have come to rest, no freed block is lost: each is in the free list, or in
 *    thread_free, or the owner finds its token. A page is only left as full when it is.
 *
 * Faults that spin has to find:
 *   FAULT_MARK_FULL   the page is marked full although frees came in: a store, not a swap
 *   FAULT_NO_TOKEN    the first free into a full page tells nobody
 *   FAULT_LINK_LATE   a chain is linked to the one before after it was swapped in
 */
#define BLOCKS 3
#define PAGE_WAKE 2
#define HEAPS 1
#define FREERS 2
#define ALLOCATIONS 5
#define GIVES 2

#include "page.inc"

byte freers_left = FREERS;

proctype owner() {
    byte before, after, top, token, settling, following, each, block, allocations, blocks;
    bit found;
    do
    :: allocations < ALLOCATIONS -> allocations++; allocate(1)
    :: program_has_blocks ->
       atomic {
           if
           :: program_has_blocks -> choose(block, NOBODY)
           :: else -> block = 0
           fi
       };
       if
       :: block != 0 -> free_own(1, block); block = 0
       :: else
       fi
    :: allocations == ALLOCATIONS && freers_left == 0 -> break
    od;
    /* All have come to rest: one slow path finds everything. */
    lock(1);
    heap_settle(1);
    unlock(1);
    d_step {
        assert(tokens[1] == 0);
        assert(state != FULL_STATE || (links[free_list] == 0 && thread_free == FULL));
        block = free_list;
        do
        :: block != 0 -> blocks++; block = links[block]
        :: else -> break
        od;
        blocks = blocks + COUNT(thread_free);
        for (each : 1 .. BLOCKS) {
            if
            :: holder[each] == PROGRAM -> blocks++
            :: else
            fi
        };
        assert(blocks == BLOCKS)
    }
}

proctype freer() {
    byte before, after, top, token, first, last, count, gives;
    do
    :: gives < GIVES ->
       gives++;
       if
       :: atomic { program_has_blocks -> choose(first, NOBODY) }; last = first; count = 1
       :: true /* there is nothing to free */
       fi;
       if
       :: count == 1 ->
          if
          :: atomic { program_has_blocks -> choose(token, NOBODY) };
             d_step { links[token] = first; first = token; token = 0; count = 2 }
          :: true
          fi;
          push(first, last, count);
          d_step { first = 0; last = 0; token = 0; before = 0; after = 0; top = 0; count = 0 }
       :: else
       fi
    :: else -> break
    od;
    freers_left--
}

init {
    byte each;
    atomic {
        make_page();
        run owner();
        for (each : 1 .. FREERS) { run freer() }
    }
}
