
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * A request of Lua code as it is signed: its fields, and what it left to be
 * inferred from the host and the provider.
 */


#include "ngx_http_aws_sigv4_ffi_sign.h"
#include "ngx_http_aws_sigv4_refresh.h"


static int ngx_http_aws_sigv4_ffi_fields(ngx_http_aws_sigv4_ffi_call_t *call);
static int ngx_http_aws_sigv4_ffi_field(ngx_http_aws_sigv4_ffi_call_t *call,
    ngx_http_aws_sigv4_ffi_field_t *field);
static ngx_uint_t ngx_http_aws_sigv4_ffi_listed(
    ngx_http_aws_sigv4_ffi_request_t *in, ngx_str_t *name);
static int ngx_http_aws_sigv4_ffi_credentials(
    ngx_http_aws_sigv4_ffi_call_t *call);
static int ngx_http_aws_sigv4_ffi_scope(ngx_http_aws_sigv4_ffi_call_t *call);
static int ngx_http_aws_sigv4_ffi_payload(
    ngx_http_aws_sigv4_ffi_call_t *call);


static ngx_str_t  ngx_http_aws_sigv4_ffi_host = ngx_string("host");


int
ngx_http_aws_sigv4_ffi_request(ngx_http_aws_sigv4_ffi_call_t *call)
{
    int                                rc;
    sigv4_request_t                   *req;
    ngx_http_aws_sigv4_ffi_request_t  *in;

    in = call->in;
    req = &call->req;

    req->method.len = in->method.len;
    req->method.data = in->method.data;

    if ((rc = ngx_http_aws_sigv4_ffi_fields(call)) != NGX_OK
        || (rc = ngx_http_aws_sigv4_ffi_credentials(call)) != NGX_OK
        || (rc = ngx_http_aws_sigv4_ffi_scope(call)) != NGX_OK)
    {
        return rc;
    }

    call->s3 = ngx_http_aws_sigv4_is_s3(&call->service);

    req->normalize_path = in->normalize_path < 0 ? !call->s3
                                                 : in->normalize_path;
    req->double_encode = in->double_encode < 0 ? !call->s3
                                               : in->double_encode;

    rc = ngx_http_aws_sigv4_wire(call->pool, &call->uri, call->s3, req);
    if (rc != NGX_OK) {
        return ngx_http_aws_sigv4_ffi_error(call->err, "no memory");
    }

    return ngx_http_aws_sigv4_ffi_payload(call);
}


static int
ngx_http_aws_sigv4_ffi_fields(ngx_http_aws_sigv4_ffi_call_t *call)
{
    size_t  i;

    call->req.fields = ngx_palloc(call->pool, (call->in->nfields + 4)
                                              * sizeof(sigv4_field_t));
    if (call->req.fields == NULL) {
        return ngx_http_aws_sigv4_ffi_error(call->err, "no memory");
    }

    for (i = 0; i < call->in->nfields; i++) {

        if (ngx_http_aws_sigv4_ffi_field(call, &call->in->fields[i])
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    ngx_http_aws_sigv4_add_field(&call->req, &ngx_http_aws_sigv4_ffi_host,
                                 &call->host);

    return NGX_OK;
}


static int
ngx_http_aws_sigv4_ffi_field(ngx_http_aws_sigv4_ffi_call_t *call,
    ngx_http_aws_sigv4_ffi_field_t *field)
{
    ngx_str_t  name, value;

    value.len = field->value.len;
    value.data = (u_char *) field->value.data;

    name.len = field->name.len;
    name.data = ngx_pnalloc(call->pool, name.len + 1);
    if (name.data == NULL) {
        return ngx_http_aws_sigv4_ffi_error(call->err, "no memory");
    }

    ngx_strlow(name.data, (u_char *) field->name.data, name.len);

    if (memchr(value.data, CR, value.len) || memchr(value.data, LF, value.len)
        || memchr(value.data, '\0', value.len))
    {
        return ngx_http_aws_sigv4_ffi_error(call->err, "invalid value of "
                                            "header \"%V\"", &name);
    }

    field->drop = ngx_http_aws_sigv4_is_replaced(&name);

    if (field->drop) {
        return NGX_OK;
    }

    if (ngx_http_aws_sigv4_name_is(&name, "host", 4)) {

        /* whoever uses a URL sends the host that stands in it */

        if (call->in->expires >= 0 || !ngx_http_aws_sigv4_is_host(&value)) {
            return ngx_http_aws_sigv4_ffi_error(call->err, "invalid host");
        }

        field->drop = 1;
        call->host = value;

        return NGX_OK;
    }

    if (ngx_http_aws_sigv4_is_signed(NULL, &name)
        || ngx_http_aws_sigv4_ffi_listed(call->in, &name))
    {
        ngx_http_aws_sigv4_add_field(&call->req, &name, &value);
    }

    return NGX_OK;
}


static ngx_uint_t
ngx_http_aws_sigv4_ffi_listed(ngx_http_aws_sigv4_ffi_request_t *in,
    ngx_str_t *name)
{
    size_t  i;

    for (i = 0; i < in->nsigned; i++) {

        if (in->signed_headers[i].len == name->len
            && ngx_strncasecmp((u_char *) in->signed_headers[i].data,
                               name->data, name->len)
               == 0)
        {
            return 1;
        }
    }

    return 0;
}


static int
ngx_http_aws_sigv4_ffi_credentials(ngx_http_aws_sigv4_ffi_call_t *call)
{
    ngx_int_t                       rc;
    ngx_msec_t                      deadline;
    ngx_http_aws_sigv4_provider_t  *leaf;

    rc = ngx_http_aws_sigv4_credentials_get(call->provider, ngx_cycle->log,
                                            &call->cred);
    if (rc == NGX_OK) {
        return NGX_OK;
    }

    leaf = call->provider->source ? call->provider->source : call->provider;
    deadline = ngx_current_msec + call->in->timeout;

    if (rc == NGX_AGAIN
        && call->in->timeout > 0
        && !ngx_http_aws_sigv4_refresh_hopeless(leaf, deadline))
    {
        return NGX_AGAIN;
    }

    return ngx_http_aws_sigv4_ffi_error(call->err, "no credentials available "
                                        "from provider \"%V\"%s%V",
                                        &call->provider->name,
                                        leaf->error.len ? ": " : "",
                                        &leaf->error);
}


/* chosen, or of a host that a stranger may have chosen as well */

static int
ngx_http_aws_sigv4_ffi_scope(ngx_http_aws_sigv4_ffi_call_t *call)
{
    ngx_str_t         host;
    sigv4_endpoint_t  ep;

    call->region.len = call->in->region.len;
    call->region.data = (u_char *) call->in->region.data;

    call->service.len = call->in->service.len;
    call->service.data = (u_char *) call->in->service.data;

    host.len = call->host.len;
    host.data = ngx_pnalloc(call->pool, host.len + 1);
    if (host.data == NULL) {
        return ngx_http_aws_sigv4_ffi_error(call->err, "no memory");
    }

    ngx_strlow(host.data, call->host.data, host.len);

    if ((call->region.len == 0 || call->service.len == 0)
        && sigv4_endpoint(ngx_http_aws_sigv4_str(&host), &ep) == SIGV4_OK
        && ep.exact
        && !ep.asymmetric)
    {
        if (call->service.len == 0) {
            call->service.len = ep.service.len;
            call->service.data = (u_char *) ep.service.data;
        }

        if (call->region.len == 0) {
            call->region.len = ep.region.len;
            call->region.data = (u_char *) ep.region.data;
        }
    }

    if (call->region.len == 0) {
        call->region = *ngx_http_aws_sigv4_provider_region(call->provider);
    }

    call->scope.region = ngx_http_aws_sigv4_str(&call->region);
    call->scope.service = ngx_http_aws_sigv4_str(&call->service);

    if (!sigv4_is_scope_part(call->scope.service)) {
        return ngx_http_aws_sigv4_ffi_error(call->err, "%s service for host "
                                            "\"%V\"", call->service.len
                                            ? "invalid" : "no", &call->host);
    }

    if (!sigv4_is_scope_part(call->scope.region)) {
        return ngx_http_aws_sigv4_ffi_error(call->err, "%s region for host "
                                            "\"%V\"", call->region.len
                                            ? "invalid" : "no", &call->host);
    }

    return NGX_OK;
}


static int
ngx_http_aws_sigv4_ffi_payload(ngx_http_aws_sigv4_ffi_call_t *call)
{
    uint8_t      digest[SIGV4_SHA256_LEN];
    ngx_uint_t   mode;
    sigv4_str_t  body;

    mode = ngx_http_aws_sigv4_payload_mode(&call->service, call->in->payload);

    /* S3 covers no body by a presigned URL */

    if (call->s3 && call->in->expires >= 0) {
        mode = NGX_HTTP_AWS_SIGV4_PAYLOAD_UNSIGNED;
    }

    if (mode == NGX_HTTP_AWS_SIGV4_PAYLOAD_UNSIGNED) {
        ngx_str_set(&call->payload_hash, SIGV4_UNSIGNED_PAYLOAD);
        call->literal = 1;

    } else if (call->in->payload_hash.len) {
        call->payload_hash.len = call->in->payload_hash.len;
        call->payload_hash.data = (u_char *) call->in->payload_hash.data;

    } else if (call->in->body.len == 0) {
        ngx_str_set(&call->payload_hash, SIGV4_EMPTY_SHA256);

    } else {
        body.len = call->in->body.len;
        body.data = call->in->body.data;

        if (sigv4_sha256(call->smcf->crypto, body, digest) != SIGV4_OK) {
            return ngx_http_aws_sigv4_ffi_error(call->err, "%s",
                                                sigv4_strerror(SIGV4_ERROR));
        }

        call->payload_hash.len = SIGV4_SHA256_HEX_LEN;
        call->payload_hash.data = call->hash;

        ngx_hex_dump(call->hash, digest, SIGV4_SHA256_LEN);
    }

    call->req.payload_hash = ngx_http_aws_sigv4_str(&call->payload_hash);

    return NGX_OK;
}
