
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Where the members of a JSON object lie: a strict validator (RFC 8259, in
 * UTF-8) that is fed a text in pieces, keeps nothing of it, and notes the
 * offsets of top-level members that are asked for by name.
 *
 * Names are compared after escapes are decoded.  Values are not: numbers of
 * any size, lone surrogates in escapes and "\u0000" are valid.
 */


#ifndef _SIGV4_LLM_JSON_H_INCLUDED_
#define _SIGV4_LLM_JSON_H_INCLUDED_


#include "core/sigv4.h"


#define SIGV4_LLM_JSON_NAMES      16    /* the most names, in valid UTF-8 */
#define SIGV4_LLM_JSON_DEPTH      512   /* the most arrays and objects */

#define SIGV4_LLM_JSON_SYNTAX    -10    /* it is no JSON */
#define SIGV4_LLM_JSON_NO_OBJECT -11    /* it is, but no object */
#define SIGV4_LLM_JSON_DUPLICATE -12    /* a wanted name stands twice */
#define SIGV4_LLM_JSON_TOO_DEEP  -13


typedef enum {
    SIGV4_LLM_JSON_ABSENT = 0,
    SIGV4_LLM_JSON_STRING,
    SIGV4_LLM_JSON_NUMBER,
    SIGV4_LLM_JSON_TRUE,
    SIGV4_LLM_JSON_FALSE,
    SIGV4_LLM_JSON_NULL,
    SIGV4_LLM_JSON_OBJECT,
    SIGV4_LLM_JSON_ARRAY
} sigv4_llm_json_type_e;


/* offsets from the start of the text; "to" is the first one behind */
typedef struct {
    int64_t                       key_from;     /* of its quote */
    int64_t                       key_to;
    int64_t                       from;
    int64_t                       to;
    int64_t                       before;   /* the comma; -1: it is first */
    int64_t                       after;    /* the comma; -1: it is last */
    int32_t                       type;
} sigv4_llm_json_member_t;


typedef struct {
    int64_t                       from;         /* of the brace */
    int64_t                       to;
    int64_t                       count;        /* of members */
} sigv4_llm_json_object_t;


typedef struct {
    const sigv4_str_t            *names;
    size_t                        nnames;
    sigv4_llm_json_member_t      *members;      /* one for each name */
    sigv4_llm_json_object_t       object;

    const uint8_t                *chunk;        /* which is being read */
    int64_t                       offset;       /* where it starts */
    int                           rc;
    unsigned                      state;
    size_t                        depth;
    uint8_t                       nesting[SIGV4_LLM_JSON_DEPTH / 8];

    sigv4_llm_json_member_t      *member;       /* the value is wanted */
    int64_t                       comma;        /* the last at the top */
    const char                   *literal;      /* what is left of it */
    unsigned                      number;

    /* of a string */
    int64_t                       key_from;
    size_t                        matched;      /* bytes of a key */
    uint32_t                      candidates;   /* a bit for each name */
    uint32_t                      exact;        /* of them, in this case */
    uint32_t                      variants;     /* seen in another case */
    uint32_t                      code;         /* of "\u" */
    uint32_t                      surrogate;    /* the first of a pair */
    unsigned                      digits;
    unsigned                      utf8;         /* bytes that must follow */
    uint8_t                       utf8_min;
    uint8_t                       utf8_max;

    unsigned                      key:1;
    unsigned                      no_object:1;
    unsigned                      duplicate:1;
} sigv4_llm_json_t;


/* nnames at most SIGV4_LLM_JSON_NAMES; both arrays must outlive the parser */
void sigv4_llm_json_init(sigv4_llm_json_t *json, const sigv4_str_t *names,
    size_t nnames, sigv4_llm_json_member_t *members);

/* SIGV4_OK, or what is wrong, as it is from then on */
int sigv4_llm_json_feed(sigv4_llm_json_t *json, const uint8_t *data,
    size_t len);

/* the text has ended */
int sigv4_llm_json_finish(sigv4_llm_json_t *json);


#endif /* _SIGV4_LLM_JSON_H_INCLUDED_ */
