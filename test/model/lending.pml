/* Retained pages that are lent to an owner whose heap's lock another thread holds.
 *
 * Models: lend_begin, lend_end, lend_take (heap/lend.c); idle_sweep, detach_some (heap/idle.c);
 * next_page_late, find_page_late, next_page, heap_count_out (heap/heap.c); release_of
 * (heap/retain.c).
 *
 * PAGES retained pages, PLACES places; the owner takes pages and gives them back, a lender lends
 * them, a thief takes retained ones under the lock. Shown for every schedule:
 *  - A page is in one place: the list, one place of the lent, the owner's hands, the thief's.
 *  - retained_slices is the length of the list whenever the lock is free.
 *  - No page is lent while the lock is free.
 *
 * Faults that spin has to find:
 *   FAULT_TAKE_PLAIN  the owner reads and clears a place in two steps
 *   FAULT_END_PLAIN   the lender does
 *   FAULT_NOT_COUNTED a page that the owner took is still counted as retained
 *   FAULT_LEFT        the lender leaves the last place as it is
 */
#define PAGES 3
#define PLACES 2
#define TURNS 4
#define LOANS 3

mtype = { RETAINED, LENT, OWNED, STOLEN };
mtype where[PAGES];
byte lent[PLACES]; /* a page's number and 1, or 0 */
byte retained = PAGES;
bit locked;

#define page_of(word) (word - 1)

inline unlock() {
    d_step {
        counted = 0;
        for (each : 0 .. PAGES - 1) { counted = counted + (where[each] == RETAINED) };
        assert(retained == counted);
        for (each : 0 .. PLACES - 1) { assert(lent[each] == 0) };
        each = 0;
        counted = 0;
        locked = 0
    }
}

/* The first retained page, out of the list; PAGES when there is none. */
inline pop(page) {
    d_step {
        page = 0;
        do
        :: page < PAGES && where[page] != RETAINED -> page++
        :: else -> break
        od
    }
}

/* A place's content, which becomes 0. */
inline swap_out(word, place) {
    d_step { word = lent[place]; lent[place] = 0 }
}

proctype lender() {
    byte page, count, taken, loans, word, each, counted;
    do
    :: loans < LOANS ->
       loans++;
       atomic { !locked -> locked = 1 };
       count = 0;
       do
       :: count < PLACES ->
          pop(page);
          if
          :: page < PAGES ->
             d_step { where[page] = LENT; lent[count] = page + 1; page = 0 };
             count++
          :: else -> page = 0; break
          fi
       :: else -> break
       od;
       do
       :: count > 0 ->
          count--;
#ifdef FAULT_LEFT
          if
          :: count == PLACES - 1 -> break
          :: else
          fi;
#endif
#ifdef FAULT_END_PLAIN
          word = lent[count];
          lent[count] = 0;
#else
          swap_out(word, count);
#endif
          if
          :: word != 0 -> d_step {
                 assert(where[page_of(word)] == LENT);
                 where[page_of(word)] = RETAINED;
                 word = 0
             }
          :: else ->
#ifndef FAULT_NOT_COUNTED
             retained--
#else
             skip
#endif
          fi
       :: else -> break
       od;
       unlock()
    :: else -> break
    od
}

proctype owner() {
    byte page, mine, turns, place, word, each, counted;
    bit holds, found;
    do
    :: turns < TURNS ->
       turns++;
       atomic {
           holds = !locked;
           locked = 1
       };
       if
       :: holds ->
          pop(page);
          if
          :: page < PAGES -> d_step { where[page] = OWNED; retained--; page = 0 }
          :: else -> page = 0
          fi;
          unlock()
       :: else ->
          place = 0;
          do
          :: place < PLACES ->
             word = lent[place];
             if
             :: word != 0 ->
#ifdef FAULT_TAKE_PLAIN
                found = 1;
                lent[place] = 0;
#else
                d_step { found = lent[place] == word; lent[place] = (found -> 0 : lent[place]) };
#endif
                if
                :: found -> d_step {
                       assert(where[page_of(word)] == LENT);
                       where[page_of(word)] = OWNED
                   };
                   break
                :: else
                fi
             :: else
             fi;
             place++
          :: else -> break
          od;
          atomic { holds = 0; found = 0; place = 0; word = 0 }
       fi
    :: turns < TURNS ->
       /* A page retires: waits here, or does so later, with the lock. */
       turns++;
       atomic { !locked -> locked = 1 };
       d_step {
           for (each : 0 .. PAGES - 1) {
               if
               :: where[each] == OWNED && !found -> where[each] = RETAINED; retained++; found = 1
               :: else
               fi
           };
           found = 0;
           each = 0
       };
       unlock()
    :: else -> break
    od
}

proctype thief() {
    byte page, each, counted;
    atomic { !locked -> locked = 1 };
    pop(page);
    if
    :: page < PAGES -> d_step { where[page] = STOLEN; retained--; page = 0 }
    :: else -> page = 0
    fi;
    unlock()
}

init {
    byte each;
    atomic {
        for (each : 0 .. PAGES - 1) { where[each] = RETAINED };
        run lender();
        run owner();
        run thief()
    }
}
