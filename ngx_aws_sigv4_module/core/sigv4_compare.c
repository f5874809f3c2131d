
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */


#include "sigv4_bytes.h"
#include "sigv4_refusal_parts.h"


#define SIGV4_TOKEN_LINE          "x-amz-security-token:"


static int sigv4_next_line(sigv4_str_t *text, int cut, sigv4_str_t *line);
static int sigv4_same_line(sigv4_str_t ours, sigv4_str_t theirs);
static void sigv4_compare_query(sigv4_difference_t *difference);
static sigv4_str_t sigv4_next_parameter(sigv4_str_t *query);
static void sigv4_compare_named(sigv4_difference_t *difference, int delim);
static void sigv4_named(sigv4_str_t s, int delim, sigv4_str_t *name,
    sigv4_str_t *value);
static void sigv4_compare_scope(sigv4_difference_t *difference);
static sigv4_str_t sigv4_next_name(sigv4_str_t *scope);


static const char  *sigv4_part_names[] = {
    "nothing", "nothing", "the method", "the path", "query parameter",
    "header", "the list of signed headers", "the payload hash",
    "the algorithm", "the date", "the date of the scope", "the region",
    "the service", "the scope", "the hash of the canonical request"
};


void
sigv4_compare_requests(sigv4_difference_t *difference, sigv4_str_t ours,
    sigv4_str_t theirs, int cut)
{
    int           more;
    sigv4_part_e  part;

    memset(difference, 0, sizeof(sigv4_difference_t));

    part = SIGV4_PART_METHOD;

    while (sigv4_next_line(&ours, 0, &difference->ours)) {

        more = sigv4_next_line(&theirs, cut, &difference->theirs);

        if (!more && cut) {
            difference->part = SIGV4_PART_CUT;
            return;
        }

        if (!more || !sigv4_same_line(difference->ours, difference->theirs)) {
            difference->part = part;

            if (part == SIGV4_PART_QUERY) {
                sigv4_compare_query(difference);

            } else if (part == SIGV4_PART_HEADER) {
                sigv4_compare_named(difference, ':');
            }

            return;
        }

        /* an empty line ends the headers, and nothing follows the hash */

        if (part != SIGV4_PART_PAYLOAD_HASH
            && (part != SIGV4_PART_HEADER || difference->ours.len == 0))
        {
            part++;
        }
    }

    if (cut) {
        difference->part = SIGV4_PART_CUT;

    } else if (theirs.data != NULL) {
        difference->part = SIGV4_PART_PAYLOAD_HASH;
    }
}


void
sigv4_compare_strings(sigv4_difference_t *difference, sigv4_str_t ours,
    sigv4_str_t theirs, int cut)
{
    int     more;
    size_t  i;

    static const sigv4_part_e  parts[] = {
        SIGV4_PART_ALGORITHM, SIGV4_PART_DATE, SIGV4_PART_SCOPE,
        SIGV4_PART_REQUEST_HASH
    };

    memset(difference, 0, sizeof(sigv4_difference_t));

    for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {

        if (!sigv4_next_line(&ours, 0, &difference->ours)) {
            return;
        }

        more = sigv4_next_line(&theirs, cut, &difference->theirs);

        if (!more && cut) {
            difference->part = SIGV4_PART_CUT;
            return;
        }

        if (more && sigv4_cmp_str(difference->ours, difference->theirs) == 0)
        {
            continue;
        }

        difference->part = parts[i];

        if (parts[i] == SIGV4_PART_SCOPE) {
            sigv4_compare_scope(difference);
        }

        return;
    }
}


/* the last line of a text that is cut is none; NULL: there are no more */

static int
sigv4_next_line(sigv4_str_t *text, int cut, sigv4_str_t *line)
{
    const uint8_t  *p;

    line->data = text->data;
    line->len = 0;

    if (text->data == NULL) {
        return 0;
    }

    p = text->len ? memchr(text->data, '\n', text->len) : NULL;

    if (p == NULL) {
        line->len = text->len;

        text->data = NULL;
        text->len = 0;

        return !cut;
    }

    line->len = p - line->data;

    text->data = p + 1;
    text->len -= line->len + 1;

    return 1;
}


/* a token has been masked in ours: it is there, or it is not */

static int
sigv4_same_line(sigv4_str_t ours, sigv4_str_t theirs)
{
    if (sigv4_str_is(ours, SIGV4_TOKEN_LINE SIGV4_MASKED)) {
        return theirs.len > sizeof(SIGV4_TOKEN_LINE) - 1
               && memcmp(theirs.data, SIGV4_TOKEN_LINE,
                         sizeof(SIGV4_TOKEN_LINE) - 1)
                  == 0;
    }

    return sigv4_cmp_str(ours, theirs) == 0;
}


/* the first parameter that differs */

static void
sigv4_compare_query(sigv4_difference_t *difference)
{
    sigv4_str_t  ours, theirs;

    ours = difference->ours;
    theirs = difference->theirs;

    do {
        difference->ours = sigv4_next_parameter(&ours);
        difference->theirs = sigv4_next_parameter(&theirs);

    } while (difference->ours.data != NULL
             && difference->theirs.data != NULL
             && sigv4_cmp_str(difference->ours, difference->theirs) == 0);

    sigv4_compare_named(difference, '=');
}


/* NULL: there are no more */

static sigv4_str_t
sigv4_next_parameter(sigv4_str_t *query)
{
    sigv4_str_t     parameter;
    const uint8_t  *p;

    parameter = *query;

    if (query->len == 0) {
        parameter.data = NULL;
        return parameter;
    }

    p = memchr(query->data, '&', query->len);

    if (p == NULL) {
        query->len = 0;
        return parameter;
    }

    parameter.len = p - query->data;

    query->data = p + 1;
    query->len -= parameter.len + 1;

    return parameter;
}


/*
 * Headers and parameters are sorted: of two names the lesser one is what the
 * other side has not, whose value is NULL then.
 */

static void
sigv4_compare_named(sigv4_difference_t *difference, int delim)
{
    int          rc;
    sigv4_str_t  name, theirs, ours, value;

    sigv4_named(difference->ours, delim, &ours, &value);
    difference->ours = value;

    sigv4_named(difference->theirs, delim, &theirs, &value);
    difference->theirs = value;

    rc = sigv4_cmp_str(ours, theirs);

    name = ours;

    if (rc != 0) {

        /* the empty line comes after all headers */

        if (theirs.len == 0 || (ours.len != 0 && rc < 0)) {
            difference->theirs.data = NULL;
            difference->theirs.len = 0;

        } else {
            name = theirs;
            difference->ours.data = NULL;
            difference->ours.len = 0;
        }
    }

    difference->name = name;
}


static void
sigv4_named(sigv4_str_t s, int delim, sigv4_str_t *name, sigv4_str_t *value)
{
    const uint8_t  *p;

    p = s.len ? memchr(s.data, delim, s.len) : NULL;

    *name = s;

    if (p == NULL) {
        value->data = s.data;
        value->len = 0;
        return;
    }

    name->len = p - s.data;

    value->data = p + 1;
    value->len = s.data + s.len - value->data;
}


static void
sigv4_compare_scope(sigv4_difference_t *difference)
{
    size_t       i;
    sigv4_str_t  ours, theirs, our_name, their_name;

    static const sigv4_part_e  parts[] = {
        SIGV4_PART_SCOPE_DATE, SIGV4_PART_REGION, SIGV4_PART_SERVICE
    };

    ours = difference->ours;
    theirs = difference->theirs;

    for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        our_name = sigv4_next_name(&ours);
        their_name = sigv4_next_name(&theirs);

        if (sigv4_cmp_str(our_name, their_name) != 0) {
            difference->part = parts[i];
            difference->ours = our_name;
            difference->theirs = their_name;
            return;
        }
    }
}


static sigv4_str_t
sigv4_next_name(sigv4_str_t *scope)
{
    size_t       i;
    sigv4_str_t  name;

    name = *scope;

    for (i = 0; i < scope->len; i++) {
        if (scope->data[i] == '/') {
            name.len = i;

            scope->data += i + 1;
            scope->len -= i + 1;

            return name;
        }
    }

    /* the rest is nothing, wherever it is */

    scope->len = 0;

    return name;
}


const char *
sigv4_part_name(sigv4_part_e part)
{
    return sigv4_part_names[part];
}
