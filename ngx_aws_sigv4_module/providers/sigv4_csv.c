
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */


#include <string.h>

#include "sigv4_csv.h"


#define SIGV4_CSV_NONE            ((size_t) -1)

#define SIGV4_CSV_ROOT_ID         "AWSAccessKeyId="
#define SIGV4_CSV_ROOT_SECRET     "AWSSecretKey="


typedef struct {
    const uint8_t                *pos;
    const uint8_t                *end;
    sigv4_str_t                   field;
    unsigned                      escaped:1;  /* a quote stands in it */
    unsigned                      last:1;     /* of its row */
} sigv4_csv_reader_t;


static int sigv4_csv_rootkey(sigv4_csv_t *csv, sigv4_csv_reader_t *r);
static int sigv4_csv_header(sigv4_csv_t *csv, sigv4_csv_reader_t *r,
    size_t *id, size_t *secret);
static int sigv4_csv_row(sigv4_csv_t *csv, sigv4_csv_reader_t *r, size_t id,
    size_t secret);
static int sigv4_csv_check(sigv4_csv_t *csv);
static int sigv4_csv_field(sigv4_csv_reader_t *r);
static int sigv4_csv_quoted(sigv4_csv_reader_t *r);
static void sigv4_csv_line_end(sigv4_csv_reader_t *r);
static int sigv4_csv_skip_empty(sigv4_csv_reader_t *r);
static int sigv4_csv_invalid(sigv4_csv_t *csv, const char *error);
static int sigv4_csv_starts(sigv4_str_t s, const char *name);
static sigv4_str_t sigv4_csv_trim(const uint8_t *p, const uint8_t *last);


int
sigv4_csv_read(sigv4_csv_t *csv, sigv4_str_t text)
{
    size_t              id, secret;
    sigv4_str_t         rest;
    sigv4_csv_reader_t  r;

    memset(csv, 0, sizeof(sigv4_csv_t));

    if (text.len == 0) {
        return sigv4_csv_invalid(csv, "it is empty");
    }

    memset(&r, 0, sizeof(sigv4_csv_reader_t));

    r.pos = text.data;
    r.end = text.data + text.len;

    /* the console begins it with a byte order mark, for spreadsheets */

    if (text.len >= 3 && memcmp(text.data, "\xef\xbb\xbf", 3) == 0) {
        r.pos += 3;
    }

    if (!sigv4_csv_skip_empty(&r)) {
        return sigv4_csv_invalid(csv, "it is empty");
    }

    rest.data = r.pos;
    rest.len = r.end - r.pos;

    if (sigv4_csv_starts(rest, SIGV4_CSV_ROOT_ID)
        || sigv4_csv_starts(rest, SIGV4_CSV_ROOT_SECRET))
    {
        return sigv4_csv_rootkey(csv, &r);
    }

    if (sigv4_csv_header(csv, &r, &id, &secret) != SIGV4_OK) {
        return SIGV4_INVALID;
    }

    if (!sigv4_csv_skip_empty(&r)) {
        return sigv4_csv_invalid(csv, "there is no row below its header");
    }

    return sigv4_csv_row(csv, &r, id, secret);
}


static int
sigv4_csv_rootkey(sigv4_csv_t *csv, sigv4_csv_reader_t *r)
{
    size_t       n;
    sigv4_str_t  line;

    while (sigv4_csv_skip_empty(r)) {

        line.data = r->pos;

        while (r->pos < r->end && *r->pos != '\n' && *r->pos != '\r') {
            r->pos++;
        }

        line.len = r->pos - line.data;

        if (sigv4_csv_starts(line, SIGV4_CSV_ROOT_ID)) {
            n = sizeof(SIGV4_CSV_ROOT_ID) - 1;
            csv->access_key_id = sigv4_csv_trim(line.data + n, r->pos);

        } else if (sigv4_csv_starts(line, SIGV4_CSV_ROOT_SECRET)) {
            n = sizeof(SIGV4_CSV_ROOT_SECRET) - 1;
            csv->secret_access_key = sigv4_csv_trim(line.data + n, r->pos);
        }
    }

    return sigv4_csv_check(csv);
}


static int
sigv4_csv_header(sigv4_csv_t *csv, sigv4_csv_reader_t *r, size_t *id,
    size_t *secret)
{
    size_t  n;

    *id = SIGV4_CSV_NONE;
    *secret = SIGV4_CSV_NONE;

    for (n = 0, r->last = 0; !r->last; n++) {

        if (sigv4_csv_field(r) != SIGV4_OK) {
            return sigv4_csv_invalid(csv, "a quote of its header is not "
                                          "closed, or not at the end");
        }

        if (r->field.len == sizeof("access key id") - 1
            && sigv4_csv_starts(r->field, "access key id"))
        {
            *id = n;

        } else if (r->field.len == sizeof("secret access key") - 1
                   && sigv4_csv_starts(r->field, "secret access key"))
        {
            *secret = n;
        }
    }

    if (*id == SIGV4_CSV_NONE || *secret == SIGV4_CSV_NONE) {
        return sigv4_csv_invalid(csv, "its header has no columns \"Access "
                                      "key ID\" and \"Secret access key\"");
    }

    return SIGV4_OK;
}


static int
sigv4_csv_row(sigv4_csv_t *csv, sigv4_csv_reader_t *r, size_t id,
    size_t secret)
{
    size_t  n;

    for (n = 0, r->last = 0; !r->last; n++) {

        if (sigv4_csv_field(r) != SIGV4_OK) {
            return sigv4_csv_invalid(csv, "a quote of its first row is not "
                                          "closed, or not at the end");
        }

        if ((n == id || n == secret) && r->escaped) {
            return sigv4_csv_invalid(csv, "there is a quote in a key");
        }

        if (n == id) {
            csv->access_key_id = r->field;

        } else if (n == secret) {
            csv->secret_access_key = r->field;
        }
    }

    return sigv4_csv_check(csv);
}


static int
sigv4_csv_check(sigv4_csv_t *csv)
{
    if (csv->access_key_id.len == 0) {
        return sigv4_csv_invalid(csv, "there is no access key id in it");
    }

    if (csv->secret_access_key.len == 0) {
        return sigv4_csv_invalid(csv, "there is no secret access key in it");
    }

    return SIGV4_OK;
}


/* RFC 4180, but white space around a field is no part of it */

static int
sigv4_csv_field(sigv4_csv_reader_t *r)
{
    const uint8_t  *start;

    r->escaped = 0;

    while (r->pos < r->end && (*r->pos == ' ' || *r->pos == '\t')) {
        r->pos++;
    }

    if (r->pos < r->end && *r->pos == '"') {
        return sigv4_csv_quoted(r);
    }

    start = r->pos;

    while (r->pos < r->end && *r->pos != ',' && *r->pos != '\n'
           && *r->pos != '\r')
    {
        r->pos++;
    }

    r->field = sigv4_csv_trim(start, r->pos);

    sigv4_csv_line_end(r);

    return SIGV4_OK;
}


static int
sigv4_csv_quoted(sigv4_csv_reader_t *r)
{
    const uint8_t  *start;

    start = ++r->pos;

    for ( ;; ) {

        while (r->pos < r->end && *r->pos != '"') {
            r->pos++;
        }

        if (r->pos == r->end) {
            return SIGV4_INVALID;
        }

        if (r->end - r->pos < 2 || r->pos[1] != '"') {
            break;
        }

        r->escaped = 1;
        r->pos += 2;
    }

    r->field = sigv4_csv_trim(start, r->pos);
    r->pos++;

    while (r->pos < r->end && (*r->pos == ' ' || *r->pos == '\t')) {
        r->pos++;
    }

    if (r->pos < r->end && *r->pos != ',' && *r->pos != '\n'
        && *r->pos != '\r')
    {
        return SIGV4_INVALID;
    }

    sigv4_csv_line_end(r);

    return SIGV4_OK;
}


static void
sigv4_csv_line_end(sigv4_csv_reader_t *r)
{
    r->last = (r->pos == r->end || *r->pos != ',');

    if (!r->last) {
        r->pos++;
    }
}


/* whether there is anything more */

static int
sigv4_csv_skip_empty(sigv4_csv_reader_t *r)
{
    while (r->pos < r->end
           && (*r->pos == '\n' || *r->pos == '\r' || *r->pos == ' '
               || *r->pos == '\t'))
    {
        r->pos++;
    }

    return r->pos < r->end;
}


static int
sigv4_csv_invalid(sigv4_csv_t *csv, const char *error)
{
    memset(csv, 0, sizeof(sigv4_csv_t));

    csv->error = error;

    return SIGV4_INVALID;
}


/* in any case of letters */

static int
sigv4_csv_starts(sigv4_str_t s, const char *name)
{
    size_t   i;
    uint8_t  a, b;

    for (i = 0; name[i] != '\0'; i++) {

        if (i == s.len) {
            return 0;
        }

        a = s.data[i];
        b = (uint8_t) name[i];

        if (a >= 'A' && a <= 'Z') {
            a |= 0x20;
        }

        if (b >= 'A' && b <= 'Z') {
            b |= 0x20;
        }

        if (a != b) {
            return 0;
        }
    }

    return 1;
}


static sigv4_str_t
sigv4_csv_trim(const uint8_t *p, const uint8_t *last)
{
    sigv4_str_t  s;

    while (p < last && (*p == ' ' || *p == '\t')) {
        p++;
    }

    while (last > p && (last[-1] == ' ' || last[-1] == '\t')) {
        last--;
    }

    s.data = p;
    s.len = last - p;

    return s;
}
