
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * A whole signature, in a buffer of the size that was asked for and in a
 * smaller one.  The input is lines: flags ("d" double encoding, "n" a
 * normalised path), method, path, query, payload hash, then fields, each
 * "name:value".
 */


#include <stdlib.h>
#include <string.h>

#include "sigv4.h"
#include "fuzz.h"


#define FUZZ_FIELDS               1000


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static sigv4_str_t fuzz_line(sigv4_str_t *in);
static void fuzz_fields(sigv4_str_t in, sigv4_request_t *req);
static int fuzz_sign(const sigv4_request_t *req, uint8_t *data, size_t size,
    sigv4_str_t *out);
static void fuzz_form(const sigv4_request_t *req, sigv4_str_t canonical,
    sigv4_str_t headers);
static void fuzz_sorted(const sigv4_field_t *fields, size_t n);
static void fuzz_query(sigv4_str_t query, size_t size);
static void fuzz_query_sorted(sigv4_str_t query);
static int fuzz_cmp(sigv4_str_t one, sigv4_str_t two);
static sigv4_str_t fuzz_cut(sigv4_str_t *in, uint8_t stop);


static sigv4_crypto_t       *fuzz_crypto;
static sigv4_credentials_t   fuzz_cred;
static sigv4_scope_t         fuzz_scope;


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int              rc, smaller;
    size_t           n, some;
    uint8_t         *first, *second;
    sigv4_str_t      in, flags, out, cut;
    sigv4_field_t    fields[FUZZ_FIELDS];
    sigv4_request_t  req;

    if (fuzz_crypto == NULL) {
        fuzz_crypto = sigv4_crypto_create();
        fuzz_check(fuzz_crypto != NULL);

        fuzz_cred.access_key_id.data = (const uint8_t *) "AKIDEXAMPLE";
        fuzz_cred.access_key_id.len = 11;
        fuzz_cred.secret_access_key.data = (const uint8_t *) "secret";
        fuzz_cred.secret_access_key.len = 6;
        fuzz_scope.region.data = (const uint8_t *) "us-west-2";
        fuzz_scope.region.len = 9;
        fuzz_scope.service.data = (const uint8_t *) "s3";
        fuzz_scope.service.len = 2;

        sigv4_scope_time(&fuzz_scope, 1739577599);
    }

    in.data = data;
    in.len = size;

    flags = fuzz_line(&in);
    req.double_encode = flags.len && memchr(flags.data, 'd', flags.len);
    req.normalize_path = flags.len && memchr(flags.data, 'n', flags.len);
    req.method = fuzz_line(&in);
    req.path = fuzz_line(&in);
    req.query = fuzz_line(&in);
    req.payload_hash = fuzz_line(&in);
    req.fields = fields;

    fuzz_fields(in, &req);

    n = sigv4_scratch_size(&req, &fuzz_cred, &fuzz_scope);
    fuzz_check(n != 0);

    first = fuzz_alloc(n);
    rc = fuzz_sign(&req, first, n, &out);
    fuzz_check(rc == SIGV4_OK || rc == SIGV4_INVALID);

    /* some smaller size, of which the input decides */

    some = size ? (size * 31 + data[size / 2] * 7 + data[0]) % n : 0;
    second = fuzz_alloc(some);
    smaller = fuzz_sign(&req, second, some, &cut);
    fuzz_check(smaller == rc || smaller == SIGV4_NOSPACE);

    if (smaller == SIGV4_OK) {
        fuzz_check(fuzz_cmp(out, cut) == 0);
    }

    fuzz_query(req.query, n);

    free(second);
    free(first);

    return 0;
}


static sigv4_str_t
fuzz_line(sigv4_str_t *in)
{
    return fuzz_cut(in, '\n');
}


/* what stands before the byte, which is taken away with it */

static sigv4_str_t
fuzz_cut(sigv4_str_t *in, uint8_t stop)
{
    sigv4_str_t     out;
    const uint8_t  *p;

    out = *in;
    p = in->len ? memchr(in->data, stop, in->len) : NULL;

    if (p == NULL) {
        in->data += in->len;
        in->len = 0;

        return out;
    }

    out.len = p - in->data;
    in->data += out.len + 1;
    in->len -= out.len + 1;

    return out;
}


static void
fuzz_fields(sigv4_str_t in, sigv4_request_t *req)
{
    sigv4_str_t     line;
    sigv4_field_t  *field;

    req->nfields = 0;

    while (in.len != 0 && req->nfields < FUZZ_FIELDS) {
        field = &req->fields[req->nfields++];

        line = fuzz_line(&in);
        field->name = fuzz_cut(&line, ':');
        field->value = line;
    }

    sigv4_sort_fields(req->fields, req->nfields);
    fuzz_sorted(req->fields, req->nfields);
}


static void
fuzz_sorted(const sigv4_field_t *fields, size_t n)
{
    int     rc;
    size_t  i;

    for (i = 1; i < n; i++) {
        rc = fuzz_cmp(fields[i - 1].name, fields[i].name);

        fuzz_check(rc < 0 || (rc == 0
                              && fields[i - 1].order < fields[i].order));
    }
}


static int
fuzz_sign(const sigv4_request_t *req, uint8_t *data, size_t size,
    sigv4_str_t *out)
{
    int          rc;
    uint8_t      signature[SIGV4_SIGNATURE_LEN];
    sigv4_buf_t  buf;
    sigv4_str_t  canonical, headers, string, authorization;

    buf.last = data;
    buf.end = data + size;

    rc = sigv4_canonical_request(req, &buf, &canonical, &headers);

    if (rc != SIGV4_OK) {
        fuzz_check(buf.last == data);
        return rc;
    }

    fuzz_form(req, canonical, headers);

    rc = sigv4_string_to_sign(fuzz_crypto, &fuzz_scope, canonical, &buf,
                              &string);

    if (rc != SIGV4_OK) {
        return rc;
    }

    memset(signature, '0', sizeof(signature));

    rc = sigv4_authorization(&fuzz_cred, &fuzz_scope, headers, signature,
                             &buf, &authorization);

    out->data = data;
    out->len = buf.last - data;

    return rc;
}


/* no input may add a line to the canonical request, or take one away */

static void
fuzz_form(const sigv4_request_t *req, sigv4_str_t canonical,
    sigv4_str_t headers)
{
    size_t       i, names;
    sigv4_str_t  line, value;

    names = req->nfields != 0;

    for (i = 0; i < headers.len; i++) {
        names += headers.data[i] == ';';
    }

    fuzz_check(fuzz_cmp(fuzz_line(&canonical), req->method) == 0);
    fuzz_check(fuzz_line(&canonical).len != 0);
    fuzz_query_sorted(fuzz_line(&canonical));

    for (i = 0; i < names; i++) {
        line = fuzz_line(&canonical);
        value = line;

        fuzz_check(fuzz_cut(&value, ':').len != 0);
        fuzz_check(memchr(line.data, '\r', line.len) == NULL);
    }

    fuzz_check(fuzz_line(&canonical).len == 0);
    fuzz_check(fuzz_cmp(fuzz_line(&canonical), headers) == 0);
    fuzz_check(fuzz_cmp(canonical, req->payload_hash) == 0);
}


/* the canonical form of a canonical query is itself */

static void
fuzz_query(sigv4_str_t query, size_t size)
{
    uint8_t      *first, *second;
    sigv4_buf_t   buf;
    sigv4_str_t   once, twice;

    first = fuzz_alloc(size);

    buf.last = first;
    buf.end = first + size;

    fuzz_check(sigv4_canonical_query(query, &buf) == SIGV4_OK);

    once.data = first;
    once.len = buf.last - first;

    size = 64 + once.len * (sizeof(sigv4_field_t) + 7);
    second = fuzz_alloc(size);

    buf.last = second;
    buf.end = second + size;

    fuzz_check(sigv4_canonical_query(once, &buf) == SIGV4_OK);

    twice.data = second;
    twice.len = buf.last - second;

    fuzz_check(fuzz_cmp(once, twice) == 0);

    free(second);
    free(first);
}


static void
fuzz_query_sorted(sigv4_str_t query)
{
    int          rc;
    sigv4_str_t  name, value, previous_name, previous_value;

    previous_name.len = 0;
    previous_value.len = 0;

    while (query.len != 0) {
        value = fuzz_cut(&query, '&');
        fuzz_check(memchr(value.data, '=', value.len) != NULL);
        name = fuzz_cut(&value, '=');

        rc = fuzz_cmp(previous_name, name);
        fuzz_check(rc < 0
                   || (rc == 0 && fuzz_cmp(previous_value, value) <= 0));

        previous_name = name;
        previous_value = value;
    }
}


static int
fuzz_cmp(sigv4_str_t one, sigv4_str_t two)
{
    size_t  i;

    for (i = 0; i < one.len && i < two.len; i++) {
        if (one.data[i] != two.data[i]) {
            return one.data[i] < two.data[i] ? -1 : 1;
        }
    }

    return (one.len > two.len) - (one.len < two.len);
}
