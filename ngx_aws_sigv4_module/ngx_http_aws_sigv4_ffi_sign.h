
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */


#ifndef _NGX_HTTP_AWS_SIGV4_FFI_SIGN_H_INCLUDED_
#define _NGX_HTTP_AWS_SIGV4_FFI_SIGN_H_INCLUDED_


#include "ngx_http_aws_sigv4_module.h"
#include "ngx_http_aws_sigv4_ffi.h"


typedef struct {
    ngx_http_aws_sigv4_ffi_str_t    name;
    ngx_http_aws_sigv4_ffi_str_t    value;
    int                             drop;   /* it must not be sent */
} ngx_http_aws_sigv4_ffi_field_t;


/* a request to sign, and what is made of it */
typedef struct {
    ngx_http_aws_sigv4_ffi_str_t    method;
    ngx_http_aws_sigv4_ffi_str_t    url;            /* in, and as it is sent */
    ngx_http_aws_sigv4_ffi_str_t    body;
    ngx_http_aws_sigv4_ffi_str_t    payload_hash;
    ngx_http_aws_sigv4_ffi_str_t    region;
    ngx_http_aws_sigv4_ffi_str_t    service;
    ngx_http_aws_sigv4_ffi_str_t    credentials;
    ngx_http_aws_sigv4_ffi_field_t *fields;
    size_t                          nfields;
    ngx_http_aws_sigv4_ffi_str_t   *signed_headers;
    size_t                          nsigned;
    int                             payload;        /* as choice->payload */
    int                             content_sha256; /* -1: not said */
    int                             normalize_path;
    int                             double_encode;
    int                             expires;        /* 0: none; -1: header */
    int                             timeout;        /* what is left of it */

    ngx_http_aws_sigv4_ffi_str_t    host;
    ngx_http_aws_sigv4_ffi_str_t    datetime;
    ngx_http_aws_sigv4_ffi_str_t    sha256;
    ngx_http_aws_sigv4_ffi_str_t    token;
    ngx_http_aws_sigv4_ffi_str_t    authorization;
} ngx_http_aws_sigv4_ffi_request_t;


/* one call; its memory lives until Lua code has copied the results */
typedef struct {
    ngx_pool_t                         *pool;
    ngx_http_aws_sigv4_ffi_request_t   *in;
    ngx_http_aws_sigv4_ffi_str_t       *err;
    ngx_http_aws_sigv4_main_conf_t     *smcf;
    ngx_http_aws_sigv4_provider_t      *provider;
    ngx_http_aws_sigv4_credentials_t   *cred;

    ngx_str_t                           scheme;     /* with "://" */
    ngx_str_t                           host;       /* that is signed */
    ngx_str_t                           authority;  /* that of the URL */
    ngx_str_t                           uri;
    ngx_str_t                           region;
    ngx_str_t                           service;
    ngx_str_t                           payload_hash;
    sigv4_request_t                     req;
    sigv4_scope_t                       scope;
    u_char                              hash[SIGV4_SHA256_HEX_LEN];
    ngx_uint_t                          s3;
    ngx_uint_t                          literal;
} ngx_http_aws_sigv4_ffi_call_t;


/* ngx_http_aws_sigv4_ffi_url.c: scheme, authority, host and URI */
int ngx_http_aws_sigv4_ffi_url(ngx_http_aws_sigv4_ffi_call_t *call);

/*
 * ngx_http_aws_sigv4_ffi_request.c: credentials, scope and what is signed.
 * NGX_AGAIN: the credentials are being fetched.
 */
int ngx_http_aws_sigv4_ffi_request(ngx_http_aws_sigv4_ffi_call_t *call);


#endif /* _NGX_HTTP_AWS_SIGV4_FFI_SIGN_H_INCLUDED_ */
