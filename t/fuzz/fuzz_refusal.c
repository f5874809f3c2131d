
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Any bytes for an answer, and what it says of a canonical request and a
 * string to sign for comparing them with others; and for both sides of a
 * comparison, where any difference is a piece of its side.
 */


#define _GNU_SOURCE

#include <string.h>

#include "fuzz.h"
#include "sigv4_refusal.h"


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const sigv4_buf_t *buf, const uint8_t *start,
    sigv4_str_t s);
static void compare(const uint8_t *data, size_t size);
static void check_difference(const sigv4_difference_t *difference,
    sigv4_str_t ours, sigv4_str_t theirs, int cut);
static int is_in(sigv4_str_t part, sigv4_str_t whole);


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int                 cut;
    uint8_t            *memory;
    sigv4_buf_t         buf;
    sigv4_str_t         text, ours;
    sigv4_cause_e       cause;
    sigv4_refusal_t     refusal;
    sigv4_difference_t  difference;

    static const char  request[] = "GET\n/\n\nhost:a\nx-amz-security-token:"
        SIGV4_MASKED "\n\nhost\ne3b0";
    static const char  to_sign[] = "AWS4-HMAC-SHA256\n20250214T235959Z\n"
        "20250214/us-east-1/s3/aws4_request\n9ef1";

    memory = fuzz_alloc(size);

    text.data = data;
    text.len = size;

    buf.last = memory;
    buf.end = memory + size;

    sigv4_refusal_read(&refusal, text, &buf);

    check(&buf, memory, refusal.code);
    check(&buf, memory, refusal.message);
    check(&buf, memory, refusal.region);
    check(&buf, memory, refusal.unsigned_header);
    check(&buf, memory, refusal.canonical_request);
    check(&buf, memory, refusal.string_to_sign);

    cause = sigv4_cause(&refusal);

    fuzz_check(cause > SIGV4_CAUSE_NONE && cause < SIGV4_CAUSES);

    cut = (refusal.cut == &refusal.canonical_request);

    ours.data = (const uint8_t *) request;
    ours.len = sizeof(request) - 1;

    sigv4_compare_requests(&difference, ours, refusal.canonical_request, cut);
    fuzz_check(sigv4_cause_of(&difference) < SIGV4_CAUSES);

    sigv4_compare_requests(&difference, ours, text, 0);
    fuzz_check(difference.part != SIGV4_PART_CUT);

    ours.data = (const uint8_t *) to_sign;
    ours.len = sizeof(to_sign) - 1;

    sigv4_compare_strings(&difference, ours, refusal.string_to_sign, cut);
    sigv4_compare_strings(&difference, ours, text, 1);

    fuzz_check(sigv4_part_name(difference.part) != NULL);

    free(memory);

    compare(data, size);

    return 0;
}


/* the first byte says where the one ends and the other begins */

static void
compare(const uint8_t *data, size_t size)
{
    int                 cut;
    size_t              len;
    uint8_t            *left, *right;
    sigv4_str_t         ours, theirs;
    sigv4_difference_t  difference;

    if (size < 2) {
        return;
    }

    len = (size - 1) * data[0] / 255;

    /* each has memory of its own, to its last byte */

    left = fuzz_alloc(len);
    right = fuzz_alloc(size - 1 - len);

    memcpy(left, data + 1, len);
    memcpy(right, data + 1 + len, size - 1 - len);

    ours.data = left;
    ours.len = len;
    theirs.data = right;
    theirs.len = size - 1 - len;

    for (cut = 0; cut < 2; cut++) {
        sigv4_compare_requests(&difference, ours, theirs, cut);
        check_difference(&difference, ours, theirs, cut);

        sigv4_compare_strings(&difference, ours, theirs, cut);
        check_difference(&difference, ours, theirs, cut);
    }

    /* what is equal has no difference, but for what a mask stands for */

    sigv4_compare_requests(&difference, ours, ours, 0);
    fuzz_check(difference.part == SIGV4_PART_NONE
               || memmem(left, len, SIGV4_MASKED, sizeof(SIGV4_MASKED) - 1));

    sigv4_compare_strings(&difference, ours, ours, 0);
    fuzz_check(difference.part == SIGV4_PART_NONE);

    free(left);
    free(right);
}


static void
check_difference(const sigv4_difference_t *difference, sigv4_str_t ours,
    sigv4_str_t theirs, int cut)
{
    fuzz_check(difference->part <= SIGV4_PART_REQUEST_HASH);
    fuzz_check(cut || difference->part != SIGV4_PART_CUT);
    fuzz_check(sigv4_part_name(difference->part) != NULL);
    fuzz_check(sigv4_cause_of(difference) < SIGV4_CAUSES);

    if (difference->part <= SIGV4_PART_CUT) {
        return;
    }

    fuzz_check(is_in(difference->ours, ours));
    fuzz_check(is_in(difference->theirs, theirs));
    fuzz_check(is_in(difference->name, ours)
               || is_in(difference->name, theirs));
}


static int
is_in(sigv4_str_t part, sigv4_str_t whole)
{
    return part.len == 0
           || (part.data >= whole.data && part.len <= whole.len
               && part.data + part.len <= whole.data + whole.len);
}


static void
check(const sigv4_buf_t *buf, const uint8_t *start, sigv4_str_t s)
{
    fuzz_check(s.len == 0
               || (s.data >= start && s.len <= (size_t) (buf->last - start)
                   && s.data + s.len <= buf->last));
}
