/* A thread ends: its page goes to the estate of its record, from where the next thread of the
 * record or another heap adopts it, beside frees of its last blocks and the scavenger.
 *
 * Models: heap_abandon, detach_resting, heap_bequeath, move_pages, heap_release_if_empty,
 * release_if_empty, may_be_empty, heap_put_aside_current (heap/sweep.c), estate_leave,
 * estate_adopt, move_page (heap/estate.c), take_from, switch_to_left, make_found_current,
 * heap_start (heap/heap.c), give, tell (heap/remote.c), fast_free (alloc/fast.h), idle_sweep,
 * idle_sweep_tokens, pass_on, sweep_partial (heap/idle.c), beside all that frees.pml models.
 *
 * A page of the record's heap has one block or two in use, or is full. Its thread works and ends;
 * beside that, in three kinds of runs:
 *  - Another thread begins in the same record, adopts the page if it finds it with the estate,
 *    works and ends; so does a thread with a heap of its own, wherever it finds the page. For want
 *    of memory this one has no estate: the page stays with its record.
 *  - The one with a heap of its own adopts, and a third thread frees blocks that it did not
 *    allocate.
 *  - The next one of the record begins, the scavenger looks at the estate, and a third one frees.
 * In the end the scavenger makes two passes. Shown for every schedule:
 *  - Two threads never use the plain fields of the page at the same time.
 *  - The page is given back once, only when no block of it is in anybody's hands, and no token
 *    outlives it.
 *  - When no block of the page is live at the end, it has been given back by who freed the last one
 *    or who ended; but not where the page was adopted, or the record's heap came to life again,
 *    while somebody gave a block and looked.
 *  - After the passes it has been given back in any case.
 *
 * Faults that spin has to find:
 *   FAULT_DEAD_LATE    the heap is said to be dead after its pages were looked at, not before
 *   FAULT_SILENT       who frees into the page does not look whether its heap is dead
 *   FAULT_LOOK_ONCE    who does, does not look again where the page has gone
 *   FAULT_LEFT_OWNER   what goes to the estate keeps its owner
 *   FAULT_OWNER        a page adopted by another heap keeps its owner
 *   FAULT_ANY_STATE    another heap adopts a page of a heap that lives again
 *   FAULT_NO_LOCK      the next thread adopts without the estate's lock
 *   FAULT_NO_TOKENS    the scavenger leaves tokens out
 *   FAULT_NOT_PASSED   ... those of pages that have gone to another heap
 *   FAULT_LIVE_ONLY    the scavenger leaves dead heaps out
 */
#define MERGES
#define BLOCKS 2
#define HEAPS 3
#define GIVES 2

#define RECORD 1
#define ESTATE 2
#define OTHER 3
#define NO_THREAD 4

bit gone;
#define TOUCH assert(!gone)

/* A block is the freer's until the page has it, a token until the heap has it. */
#define FREER 2
#define GIVEN(block) holder[block] = (before == FULL -> holder[block] : NOBODY)
#define PUSHED(token) holder[token] = NOBODY; assert(!gone)

#include "page.inc"
#include "dead.inc"

/* How many give a block and look. */
byte giving;
/* The page was adopted meanwhile, or the record's heap came to life again. */
bit missed;
#define CHANGE missed = missed || giving > 0

/* ---- sweep.c ---- */

inline heap_abandon(heap) {
    lock(heap);
#ifndef FAULT_DEAD_LATE
    dead[heap] = 1;
#endif
    heap_settle(heap);
    heap_put_aside_current(heap);
    if
    :: page_heap == heap && state == RETAINED -> detach()
    :: page_heap == heap && is_empty -> detach()
    :: else
    fi;
#ifdef FAULT_DEAD_LATE
    dead[heap] = 1;
#endif
    unlock(heap)
}

inline heap_bequeath() {
    lock(RECORD);
    heap_settle(RECORD);
    if
#ifndef FAULT_LEFT_OWNER
    :: page_heap == RECORD -> page_owner = NO_THREAD
#endif
    :: else
    fi;
    lock(ESTATE);
    if
    :: page_heap == RECORD -> page_heap = ESTATE
    :: else
    fi;
    arriving[RECORD] == 0;
    heap_settle(RECORD);
    unlock(ESTATE);
    unlock(RECORD)
}

/* ---- estate.c ---- */

inline estate_leave() {
    if
    :: page_heap == RECORD -> heap_bequeath()
    :: else
    fi
}

/* With the record's lock. */
inline estate_adopt() {
    if
#ifdef FAULT_NO_LOCK
    :: true ->
#else
    :: atomic { heap_lock[ESTATE] == 0 -> heap_lock[ESTATE] = 1 };
#endif
       heap_settle(ESTATE);
       if
       :: page_heap == ESTATE && state == PARTIAL ->
          d_step { page_heap = RECORD; CHANGE }
       :: else
       fi;
#ifndef FAULT_NO_LOCK
       unlock(ESTATE)
    :: heap_lock[ESTATE] != 0
#endif
    fi
}

/* ---- heap.c ---- */

inline switch_to_left() {
    if
    :: atomic { heap_lock[RECORD] == 0 -> heap_lock[RECORD] = 1 };
       estate_adopt();
       if
       :: page_heap == RECORD && state == PARTIAL -> make_current(RECORD)
       :: else
       fi;
       unlock(RECORD)
    :: heap_lock[RECORD] != 0
    fi
}

#ifdef FAULT_ANY_STATE
#define adopts(other) true
#else
#define adopts(other) dead[other]
#endif

/* Never waits. What it found is in nobody's list when it becomes current. */
inline take_from(other) {
    if
    :: atomic { heap_lock[other] == 0 -> heap_lock[other] = 1 };
       if
       :: adopts(other) ->
          heap_settle(other);
          if
          :: page_heap == other && state == PARTIAL ->
             state = TAKEN;
#ifndef FAULT_OWNER
             page_owner = 0;
#endif
             d_step { page_heap = OTHER; CHANGE }
          :: else
          fi
       :: else
       fi;
       unlock(other)
    :: heap_lock[other] != 0
    fi;
    if
    :: page_heap == OTHER && state == TAKEN -> make_current(OTHER)
    :: else
    fi
}

inline heap_start() {
    lock(RECORD);
    d_step { dead[RECORD] = 0; CHANGE };
    unlock(RECORD)
}

/* ---- free ---- */

inline give(block) {
    d_step { from = page_heap; giving++ };
    push(block, block, 1);
    if
#ifndef FAULT_SILENT
    :: dead[from] -> heap_release_if_empty(from)
#endif
    :: else
    fi;
    atomic { from = 0; block = 0; giving-- }
}

/* Local if the owner word says so at this moment, else as any other thread does it. */
inline free(heap, block) {
    if
    :: page_owner == heap -> free_own(heap, block)
    :: page_owner == 0 && page_heap == heap -> free_own(heap, block)
    :: page_owner != heap && (page_owner != 0 || page_heap != heap) -> give(block)
    fi
}

/* ---- threads ---- */

inline work(heap) {
    steps = 0;
    do
    :: steps < most ->
       steps++;
       if
       :: allocate(heap)
       :: atomic { program_has_blocks -> choose(block, FREER) };
          free(heap, block);
          block = 0
       :: true /* sleep */
       fi
    :: else -> break
    od;
    steps = 0
}

/* Two threads, one after the other in one record. */
proctype record(bit next_begins; byte most) {
    byte before, after, top, token, settling, following, each, block, steps, from;
    byte seen, looking, where;
    bit found, ripe;
    work(RECORD);
    heap_abandon(RECORD);
    estate_leave();
    if
    :: next_begins ->
       heap_start();
       switch_to_left();
       work(RECORD);
       heap_abandon(RECORD);
       estate_leave()
    :: else
    fi
}

proctype adopter(byte most) {
    byte before, after, top, token, settling, following, each, block, steps, from;
    byte seen, looking, where;
    bit found, ripe;
    if
    :: take_from(ESTATE)
    :: take_from(RECORD)
    fi;
    work(OTHER);
    heap_abandon(OTHER)
}

proctype freer() {
    byte before, after, top, token, settling, following, each, block, gives, from;
    byte seen, looking, where;
    bit ripe;
    do
    :: gives < GIVES ->
       gives++;
       if
       :: atomic { program_has_blocks -> choose(block, FREER) };
          give(block)
       :: true /* there is nothing to free */
       fi
    :: break
    od
}

/* ---- idle.c ---- */

/* Two steps, as the source reads used and then thread_free. */
inline idle_is_empty(count) {
    seen = (state == PARTIAL || state == FULL_STATE -> in_use : BLOCKS + 1);
    d_step { ripe = (seen == COUNT(thread_free) + count); seen = 0 }
}

/* The token behind `looking` comes off the list, when it still is there. */
inline unlink_token(heap) {
    atomic {
        if
        :: looking != 0 -> links[looking] = links[token]; ripe = 1
        :: looking == 0 && tokens[heap] == token -> tokens[heap] = links[token]; ripe = 1
        :: else -> ripe = 0
        fi
    }
}

/* A page's token goes with it; that of a page which has gone to another heap goes there. */
inline idle_sweep_tokens(heap) {
    token = tokens[heap];
    do
    :: token != 0 && page_heap == heap ->
       idle_is_empty(1);
       if
       :: ripe -> unlink_token(heap)
       :: else
       fi;
       if
       :: ripe -> detach(); break
       :: else -> atomic { looking = token; token = links[token] }
       fi
    :: token != 0 && page_heap != heap ->
#ifdef FAULT_NOT_PASSED
       ripe = 0;
#else
       unlink_token(heap);
#endif
       following = links[token];
       if
       :: ripe -> heap_push_token()
       :: else -> looking = token
       fi;
       atomic { token = following; following = 0 }
    :: token == 0 -> break
    od;
    atomic { looking = 0; token = 0; ripe = 0 }
}

/* Whenever it looks, it may be for the second time. */
inline idle_sweep(heap) {
    lock(heap);
    if
    :: page_heap == heap && state == PARTIAL ->
       idle_is_empty(0);
       if
       :: ripe -> detach()
       :: else
       fi;
       ripe = 0
    :: else
    fi;
#ifndef FAULT_NO_TOKENS
    idle_sweep_tokens(heap);
#endif
    unlock(heap)
}

inline pass() {
    idle_sweep(RECORD);
    idle_sweep(ESTATE);
    idle_sweep(OTHER)
}

proctype scavenger() {
    byte after, top, token, following, each, seen, looking;
    bit ripe;
    idle_sweep(ESTATE)
}

init {
    byte after, top, token, following, each, seen, looking;
    bit ripe;
    atomic {
        make_page();
        holder[1] = PROGRAM;
        free_list = 2;
        used = 2;
        dead[ESTATE] = 1;
        if
        :: d_step {
               holder[2] = PROGRAM;
               free_list = 0;
               thread_free = FULL;
               state = FULL_STATE;
               used = PAGE_WAKE
           }
        :: d_step { holder[2] = PROGRAM; free_list = 0; used = 3 }
        :: true
        fi;
        if
        :: run record(1, 2); run adopter(2)
        :: run record(0, 1); run adopter(1); run freer()
        :: run record(1, 2); run scavenger(); run freer()
        fi
    }
    /* When all have ended. */
    _nr_pr == 1;
    d_step {
        assert(!plain && (!gone || (tokens[1] == 0 && tokens[2] == 0 && tokens[3] == 0)));
        assert(gone || missed || holder[1] == PROGRAM || holder[2] == PROGRAM)
    }
#ifndef FAULT_LIVE_ONLY
    pass();
    pass();
#endif
    assert(gone || holder[1] == PROGRAM || holder[2] == PROGRAM)
}
