
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Any bytes for a body: what is found does not depend on how it was cut,
 * and what jansson takes is valid here too, but for a NUL, which jansson
 * takes for the end.
 */


#include <string.h>

#include <jansson.h>

#include "fuzz.h"
#include "llm/sigv4_llm_json.h"


#define NAMES  2


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int scan(const uint8_t *data, size_t size, size_t step,
    sigv4_llm_json_member_t *members);
static void check_member(const uint8_t *data, size_t size,
    sigv4_llm_json_member_t *member);


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int                       rc;
    size_t                    i, step;
    json_t                   *value;
    sigv4_llm_json_member_t   members[NAMES], others[NAMES];

    rc = scan(data, size, size, members);

    for (step = 1; step < size && step < 12; step++) {
        fuzz_check(scan(data, size, step, others) == rc);
        fuzz_check(rc != SIGV4_OK
                   || memcmp(members, others, sizeof(members)) == 0);
    }

    for (i = 0; i < NAMES && rc == SIGV4_OK; i++) {

        if (members[i].type != SIGV4_LLM_JSON_ABSENT) {
            check_member(data, size, &members[i]);
        }
    }

    value = json_loadb((const char *) data, size,
                       JSON_ALLOW_NUL|JSON_DECODE_ANY, NULL);

    fuzz_check(value == NULL
               || rc != SIGV4_LLM_JSON_SYNTAX
               || memchr(data, '\0', size) != NULL);
    json_decref(value);

    return 0;
}


static int
scan(const uint8_t *data, size_t size, size_t step,
    sigv4_llm_json_member_t *members)
{
    size_t             n, pos;
    uint8_t           *piece;
    sigv4_llm_json_t   json;

    static const sigv4_str_t  names[NAMES] = {
        { 5, (const uint8_t *) "model" },
        { 1, (const uint8_t *) "a" }
    };

    sigv4_llm_json_init(&json, names, NAMES, members);

    for (pos = 0; pos < size; pos += n) {
        n = (size - pos < step) ? size - pos : step;

        piece = fuzz_alloc(n);
        memcpy(piece, data + pos, n);
        (void) sigv4_llm_json_feed(&json, piece, n);
        free(piece);
    }

    return sigv4_llm_json_finish(&json);
}


static void
check_member(const uint8_t *data, size_t size,
    sigv4_llm_json_member_t *member)
{
    fuzz_check(member->key_from > 0
               && data[member->key_from] == '"'
               && data[member->key_to - 1] == '"'
               && member->key_to < member->from
               && member->from < member->to
               && member->to < (int64_t) size);
    fuzz_check(member->before == -1 || data[member->before] == ',');
    fuzz_check(member->after == -1 || data[member->after] == ',');
}
