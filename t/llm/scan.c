
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Reads documents, each with its length before it as four bytes, and prints
 * a line of what the scanner says of each: the code, or the object and the
 * members "model", "s" and "".  It is fed at once, byte by byte, and in
 * pieces that the document decides on; the three must agree.
 */


#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "llm/sigv4_llm_json.h"


#define NAMES  3


typedef struct {
    int                           rc;
    sigv4_llm_json_object_t       object;
    sigv4_llm_json_member_t       members[NAMES];
} result_t;


static void scan(const uint8_t *data, size_t len, size_t step,
    result_t *result);
static int same(result_t *a, result_t *b);
static void print(result_t *result);


int
main(void)
{
    size_t    len, step;
    uint8_t   head[4], *data;
    result_t  result, other;

    while (fread(head, 1, 4, stdin) == 4) {
        len = head[0] | head[1] << 8 | head[2] << 16
              | (size_t) head[3] << 24;

        /* of the exact size: a sanitizer sees the byte behind it */

        data = malloc(len ? len : 1);

        if (data == NULL || fread(data, 1, len, stdin) != len) {
            return 2;
        }

        scan(data, len, len, &result);

        for (step = 1; step <= len && step <= 17; step++) {
            scan(data, len, step, &other);

            if (!same(&result, &other)) {
                printf("differs in pieces of %zu\n", step);
                return 1;
            }
        }

        print(&result);
        free(data);
    }

    return 0;
}


static void
scan(const uint8_t *data, size_t len, size_t step, result_t *result)
{
    size_t             n, pos;
    uint8_t           *piece;
    sigv4_llm_json_t   json;

    static const sigv4_str_t  names[NAMES] = {
        { 5, (const uint8_t *) "model" },
        { 4, (const uint8_t *) "\xf0\x9f\x98\x80" },
        { 0, (const uint8_t *) "" }
    };

    memset(result, 0, sizeof(result_t));
    sigv4_llm_json_init(&json, names, NAMES, result->members);

    for (pos = 0; pos < len; pos += n) {
        n = (len - pos < step) ? len - pos : step;

        piece = malloc(n);
        if (piece == NULL) {
            exit(2);
        }

        memcpy(piece, data + pos, n);
        (void) sigv4_llm_json_feed(&json, piece, n);
        free(piece);
    }

    result->rc = sigv4_llm_json_finish(&json);
    result->object = json.object;
}


static int
same(result_t *a, result_t *b)
{
    return a->rc == b->rc
           && (a->rc != SIGV4_OK
               || (memcmp(&a->object, &b->object, sizeof(a->object)) == 0
                   && memcmp(a->members, b->members, sizeof(a->members))
                      == 0));
}


static void
print(result_t *result)
{
    size_t                    i;
    sigv4_llm_json_member_t  *m;

    printf("%d", result->rc);

    if (result->rc == SIGV4_OK) {
        printf(" %d %d %d", (int) result->object.from,
               (int) result->object.to, (int) result->object.count);

        for (i = 0; i < NAMES; i++) {
            m = &result->members[i];

            if (m->type != SIGV4_LLM_JSON_ABSENT) {
                printf(" %d:%d,%d,%d,%d,%d,%d,%d", (int) i, (int) m->type,
                       (int) m->key_from, (int) m->key_to, (int) m->from,
                       (int) m->to, (int) m->before, (int) m->after);
            }
        }
    }

    printf("\n");
}
