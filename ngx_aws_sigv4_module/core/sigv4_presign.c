
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */


#include "sigv4_bytes.h"


/* the parameters without their values, and the rest of their forms */
#define SIGV4_PRESIGN_CONSTANT    512


#define sigv4_append_literal(buf, literal)                                    \
    sigv4_append(buf, literal, sizeof(literal) - 1)


static int sigv4_presign_credential(const sigv4_credentials_t *cred,
    const sigv4_scope_t *scope, sigv4_buf_t *buf);
static int sigv4_presign_expires(unsigned expires, sigv4_buf_t *buf);
static int sigv4_presign_headers(const sigv4_request_t *req,
    sigv4_buf_t *buf);
static int sigv4_presign_token(const sigv4_credentials_t *cred,
    sigv4_buf_t *buf);
static int sigv4_token_is_last(const sigv4_scope_t *scope);


size_t
sigv4_presign_size(const sigv4_request_t *req,
    const sigv4_credentials_t *cred, const sigv4_scope_t *scope)
{
    size_t  i, n, total;

    /* each byte of a value becomes three at most */

    n = cred->access_key_id.len;
    total = SIGV4_PRESIGN_CONSTANT;

    if (n > SIZE_MAX / 32
        || scope->region.len > SIZE_MAX / 32
        || scope->service.len > SIZE_MAX / 32
        || cred->session_token.len > SIZE_MAX / 32
        || req->query.len > SIZE_MAX / 32)
    {
        return 0;
    }

    n += scope->region.len + scope->service.len + cred->session_token.len;
    total += 3 * n + req->query.len;

    for (i = 0; i < req->nfields; i++) {
        n = req->fields[i].name.len + 1;

        if (n > (SIZE_MAX / 2 - total) / 3) {
            return 0;
        }

        total += 3 * n;
    }

    return total;
}


int
sigv4_presign_query(const sigv4_request_t *req,
    const sigv4_credentials_t *cred, const sigv4_scope_t *scope,
    unsigned expires, sigv4_buf_t *buf, sigv4_str_t *query)
{
    int          rc;
    sigv4_buf_t  b;

    if (expires > SIGV4_EXPIRES_MAX) {
        return SIGV4_INVALID;
    }

    b = *buf;

    rc = sigv4_append(&b, req->query.data, req->query.len);

    if (rc == SIGV4_OK && req->query.len != 0) {
        rc = sigv4_append_literal(&b, "&");
    }

    if (rc != SIGV4_OK
        || (rc = sigv4_append_literal(&b, "X-Amz-Algorithm=" SIGV4_ALGORITHM))
           != SIGV4_OK
        || (rc = sigv4_presign_credential(cred, scope, &b)) != SIGV4_OK
        || (rc = sigv4_append_literal(&b, "&X-Amz-Date=")) != SIGV4_OK
        || (rc = sigv4_append(&b, scope->datetime, SIGV4_DATETIME_LEN))
           != SIGV4_OK
        || (rc = sigv4_presign_expires(expires, &b)) != SIGV4_OK
        || (rc = sigv4_presign_headers(req, &b)) != SIGV4_OK)
    {
        return rc;
    }

    if (!sigv4_token_is_last(scope)) {
        rc = sigv4_presign_token(cred, &b);

        if (rc != SIGV4_OK) {
            return rc;
        }
    }

    query->data = buf->last;
    query->len = b.last - buf->last;

    *buf = b;

    return SIGV4_OK;
}


int
sigv4_presign_signature(const sigv4_credentials_t *cred,
    const sigv4_scope_t *scope, const uint8_t signature[SIGV4_SIGNATURE_LEN],
    sigv4_buf_t *buf)
{
    int          rc;
    sigv4_buf_t  b;

    b = *buf;

    if ((rc = sigv4_append_literal(&b, "&X-Amz-Signature=")) != SIGV4_OK
        || (rc = sigv4_append(&b, signature, SIGV4_SIGNATURE_LEN))
           != SIGV4_OK)
    {
        return rc;
    }

    if (sigv4_token_is_last(scope)) {
        rc = sigv4_presign_token(cred, &b);

        if (rc != SIGV4_OK) {
            return rc;
        }
    }

    *buf = b;

    return SIGV4_OK;
}


static int
sigv4_presign_credential(const sigv4_credentials_t *cred,
    const sigv4_scope_t *scope, sigv4_buf_t *buf)
{
    int  rc;

    if (cred->access_key_id.len == 0
        || !sigv4_all_bytes(cred->access_key_id, SIGV4_BYTE_KEY_ID)
        || !sigv4_is_scope_part(scope->region)
        || !sigv4_is_scope_part(scope->service))
    {
        return SIGV4_INVALID;
    }

    if ((rc = sigv4_append_literal(buf, "&X-Amz-Credential=")) != SIGV4_OK
        || (rc = sigv4_uri_encode(buf, cred->access_key_id, 0)) != SIGV4_OK
        || (rc = sigv4_append_literal(buf, "%2F")) != SIGV4_OK
        || (rc = sigv4_append(buf, scope->datetime, SIGV4_DATE_LEN))
           != SIGV4_OK
        || (rc = sigv4_append_literal(buf, "%2F")) != SIGV4_OK
        || (rc = sigv4_uri_encode(buf, scope->region, 0)) != SIGV4_OK
        || (rc = sigv4_append_literal(buf, "%2F")) != SIGV4_OK
        || (rc = sigv4_uri_encode(buf, scope->service, 0)) != SIGV4_OK)
    {
        return rc;
    }

    return sigv4_append_literal(buf, "%2F" SIGV4_SCOPE_TERMINATOR);
}


static int
sigv4_presign_expires(unsigned expires, sigv4_buf_t *buf)
{
    int       rc;
    uint8_t   digits[sizeof("604800") - 1], *p;

    if (expires == 0) {
        return SIGV4_OK;
    }

    p = digits + sizeof(digits);

    do {
        *--p = (uint8_t) ('0' + expires % 10);
        expires /= 10;
    } while (expires);

    rc = sigv4_append_literal(buf, "&X-Amz-Expires=");

    if (rc != SIGV4_OK) {
        return rc;
    }

    return sigv4_append(buf, p, digits + sizeof(digits) - p);
}


static int
sigv4_presign_headers(const sigv4_request_t *req, sigv4_buf_t *buf)
{
    int                   rc;
    size_t                i;
    const sigv4_field_t  *field;

    rc = sigv4_append_literal(buf, "&X-Amz-SignedHeaders=");

    for (i = 0; i < req->nfields && rc == SIGV4_OK; i++) {
        field = &req->fields[i];

        if (i != 0) {
            if (sigv4_cmp_str(field->name, field[-1].name) == 0) {
                continue;
            }

            rc = sigv4_append_literal(buf, "%3B");
        }

        if (rc == SIGV4_OK) {
            rc = sigv4_uri_encode(buf, field->name, 0);
        }
    }

    return rc;
}


static int
sigv4_presign_token(const sigv4_credentials_t *cred, sigv4_buf_t *buf)
{
    int  rc;

    if (cred->session_token.len == 0) {
        return SIGV4_OK;
    }

    rc = sigv4_append_literal(buf, "&X-Amz-Security-Token=");

    if (rc != SIGV4_OK) {
        return rc;
    }

    return sigv4_uri_encode(buf, cred->session_token, 0);
}


/* the device gateway of AWS IoT does not want it signed */

static int
sigv4_token_is_last(const sigv4_scope_t *scope)
{
    static const char  iot[] = "iotdevicegateway";

    return scope->service.len == sizeof(iot) - 1
           && memcmp(scope->service.data, iot, sizeof(iot) - 1) == 0;
}
