
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Why a service refuses a request: what its answer says, the cause of it,
 * and where what the service has signed differs from what was sent.
 *
 * An answer is read as far as it is there: one that is cut off has a code
 * all the same.  Readers of whole documents would refuse it, and have memory,
 * depth and entities to be bounded; what is written here scans once, keeps
 * nothing but the few values it is for, and writes no more than it reads.
 */


#ifndef _SIGV4_REFUSAL_H_INCLUDED_
#define _SIGV4_REFUSAL_H_INCLUDED_


#include "sigv4.h"


typedef struct {
    sigv4_str_t                   code;       /* without its namespace */
    sigv4_str_t                   message;
    sigv4_str_t                   region;     /* that S3 expects */
    sigv4_str_t                   unsigned_header;
    sigv4_str_t                   canonical_request;
    sigv4_str_t                   string_to_sign;
    const sigv4_str_t            *cut;        /* the text ends within it */
} sigv4_refusal_t;


/* one word each; docs/troubleshooting.md has the list */
typedef enum {
    SIGV4_CAUSE_NONE = 0,
    SIGV4_CAUSE_WRONG_SECRET,
    SIGV4_CAUSE_SIGNATURE_MISMATCH,
    SIGV4_CAUSE_ALTERED_METHOD,
    SIGV4_CAUSE_ALTERED_PATH,
    SIGV4_CAUSE_ALTERED_QUERY,
    SIGV4_CAUSE_ALTERED_HEADER,
    SIGV4_CAUSE_ALTERED_BODY,
    SIGV4_CAUSE_BAD_DIGEST,
    SIGV4_CAUSE_UNSIGNED_HEADER,
    SIGV4_CAUSE_WRONG_REGION,
    SIGV4_CAUSE_WRONG_SERVICE,
    SIGV4_CAUSE_WRONG_DATE,
    SIGV4_CAUSE_CLOCK_SKEW,
    SIGV4_CAUSE_UNKNOWN_KEY,
    SIGV4_CAUSE_BAD_CREDENTIALS,
    SIGV4_CAUSE_MISSING_TOKEN,
    SIGV4_CAUSE_INVALID_TOKEN,
    SIGV4_CAUSE_EXPIRED_TOKEN,
    SIGV4_CAUSE_MISSING_AUTHENTICATION,
    SIGV4_CAUSE_MALFORMED_AUTHORIZATION,
    SIGV4_CAUSE_TWO_MECHANISMS,
    SIGV4_CAUSE_MISSING_CONTENT_SHA256,
    SIGV4_CAUSE_ACCESS_DENIED,
    SIGV4_CAUSE_NOT_SUBSCRIBED,
    SIGV4_CAUSE_THROTTLED,
    SIGV4_CAUSE_OTHER,
    SIGV4_CAUSE_UNKNOWN,
    SIGV4_CAUSES
} sigv4_cause_e;


/* what a line of a canonical request or a string to sign is */
typedef enum {
    SIGV4_PART_NONE = 0,          /* there is no difference */
    SIGV4_PART_CUT,               /* none as far as it is there */
    SIGV4_PART_METHOD,
    SIGV4_PART_PATH,
    SIGV4_PART_QUERY,
    SIGV4_PART_HEADER,
    SIGV4_PART_SIGNED_HEADERS,
    SIGV4_PART_PAYLOAD_HASH,
    SIGV4_PART_ALGORITHM,
    SIGV4_PART_DATE,
    SIGV4_PART_SCOPE_DATE,
    SIGV4_PART_REGION,
    SIGV4_PART_SERVICE,
    SIGV4_PART_SCOPE,             /* another one of its parts */
    SIGV4_PART_REQUEST_HASH
} sigv4_part_e;


typedef struct {
    sigv4_part_e                  part;
    sigv4_str_t                   name;       /* of a header, a parameter */
    sigv4_str_t                   ours;       /* NULL data: there is none */
    sigv4_str_t                   theirs;
} sigv4_difference_t;


/* what stands for a session token in a canonical request of ours */
#define SIGV4_MASKED              "<masked>"


/* sigv4_refusal.c */

/*
 * Reads the XML of S3, of the query protocol and of EC2, the JSON and the
 * CBOR of the others; any text leaves empty what it does not say.  The
 * strings are in the buffer, which must hold text.len bytes.
 */
void sigv4_refusal_read(sigv4_refusal_t *refusal, sigv4_str_t text,
    sigv4_buf_t *buf);

/* a code as a header or a body has it: "namespace#Code:http://..." */
sigv4_str_t sigv4_refusal_code(sigv4_str_t s);


/* sigv4_cause.c */

/* by code and message alone; UNKNOWN if there is neither */
sigv4_cause_e sigv4_cause(const sigv4_refusal_t *refusal);

/* the cause that a difference shows */
sigv4_cause_e sigv4_cause_of(const sigv4_difference_t *difference);

const char *sigv4_cause_word(sigv4_cause_e cause);

/* what is likely wrong and what to do, one sentence */
const char *sigv4_cause_advice(sigv4_cause_e cause);


/* sigv4_compare.c */

/* the first line of a canonical request that the service has otherwise */
void sigv4_compare_requests(sigv4_difference_t *difference, sigv4_str_t ours,
    sigv4_str_t theirs, int cut);

/* the same of a string to sign; a scope is taken apart */
void sigv4_compare_strings(sigv4_difference_t *difference, sigv4_str_t ours,
    sigv4_str_t theirs, int cut);

/* words for a part, for the caller's log */
const char *sigv4_part_name(sigv4_part_e part);


#endif /* _SIGV4_REFUSAL_H_INCLUDED_ */
