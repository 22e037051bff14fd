/* SPDX-License-Identifier: MIT */
#include "config/ablate.h"

#if defined(EDDY_ABLATE) && EDDY_ABLATE
#include <string.h>

#include "os/os.h"

static const char *const names[ABLATION_COUNT] = {
    [ABLATE_BIAS] = "bias",
    [ABLATE_RETAIN] = "retain",
    [ABLATE_STRAIGHTEN] = "straighten",
    [ABLATE_FEW] = "few",
    [ABLATE_REMAKE] = "remake",
    [ABLATE_EMPTY] = "empty",
    [ABLATE_OTHERS] = "others",
    [ABLATE_ESTATE] = "estate",
    [ABLATE_IDLE] = "idle",
    [ABLATE_LENGTHS] = "lengths",
    [ABLATE_KEEP_DIRTY] = "keep_dirty",
    [ABLATE_UNFITTING] = "unfitting",
    [ABLATE_WAKE] = "wake",
    [ABLATE_LISTED] = "listed",
    [ABLATE_GROW] = "grow",
    [ABLATE_SOON] = "soon",
    [ABLATE_SHORTEN] = "shorten",
    [ABLATE_COMBINE] = "combine",
    [ABLATE_PREFETCH] = "prefetch",
    [ABLATE_ROOM] = "room",
};

_Atomic uint32_t ablations;

static void ablate(const char *name, size_t length) {
    for (unsigned i = 0; i < ABLATION_COUNT; i++) {
        if (strlen(names[i]) == length && strncmp(names[i], name, length) == 0) {
            uint32_t before = load_relaxed(&ablations);
            store_relaxed(&ablations, before | 1u << i);
            return;
        }
    }
    os_say("EDDY_ABLATE: '%s' names no heuristic; see src/config/ablate.h", name);
}

void ablate_load(void) {
    const char *text = os_environment("EDDY_ABLATE");
    while (text != NULL && *text != '\0') {
        size_t length = strcspn(text, ",");
        if (length > 0) ablate(text, length);
        text += length + (text[length] == ',');
    }
}
#endif
