#!/bin/sh
# A repository of 250 commits: packed anew, read back, searched, blamed and compared.
set -e
export GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null
git init -q -b main repository
cd repository
git config core.commitGraph false
awk 'BEGIN {
    for (c = 1; c <= 250; c++) {
        printf "commit refs/heads/main\ncommitter A U Thor <author@example.org> %d +0000\n", 1e9 + c
        message = "change " c "\n"
        printf "data %d\n%s", length(message), message
        for (f = 0; f < 6; f++) {
            text = ""
            for (l = 0; l < 150; l++)
                text = text "line " l " of " (f * 7 + c) % 40 " at " int((c + l * 17) / 9) "\n"
            printf "M 100644 inline d%d/file%d\ndata %d\n%s", (f + c) % 8, (f * 7 + c) % 40, \
                length(text), text
        }
    }
}' | git fast-import --quiet
git -c pack.threads=2 repack -adfq --depth=50 --window=60
git log --stat --format='%H %s' | cksum
git log -p --reverse --format=%H | cksum
git rev-list --objects --all | cksum
git grep -n 'at 2[0-9][0-9]$' main | cksum
git blame main -- d1/file1 | cksum
git diff main~120 main | cksum
git reset -q --hard main
git fsck --full 2>&1
git status --porcelain
