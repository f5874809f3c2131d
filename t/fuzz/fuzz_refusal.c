
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Any bytes for an answer, and what it says of a canonical request and a
 * string to sign for comparing them with others.
 */


#include <string.h>

#include "fuzz.h"
#include "sigv4_refusal.h"


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const sigv4_buf_t *buf, const uint8_t *start,
    sigv4_str_t s);


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

    return 0;
}


static void
check(const sigv4_buf_t *buf, const uint8_t *start, sigv4_str_t s)
{
    fuzz_check(s.len == 0
               || (s.data >= start && s.len <= (size_t) (buf->last - start)
                   && s.data + s.len <= buf->last));
}
