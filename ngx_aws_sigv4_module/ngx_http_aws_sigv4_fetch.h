
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * One HTTP/1.1 exchange that belongs to no request: what a provider asks a
 * metadata service or STS, and what is sent to CloudWatch.  No redirect is
 * followed, no proxy is used, and the connection is closed behind the
 * response.
 *
 *     f = ngx_http_aws_sigv4_fetch_create(log);
 *     f->provider = p->name;
 *     f->origin = &origin;
 *     f->handler = handler;
 *     f->data = p;
 *     ngx_http_aws_sigv4_fetch_start(f);
 *
 * The handler is called exactly once, from the event loop and never before
 * start() has returned, whatever happens; then the fetch is destroyed, and
 * all it held of the request and of the response is wiped.  The handler may
 * start another one, and must not abort the one it is called for.
 */


#ifndef _NGX_HTTP_AWS_SIGV4_FETCH_H_INCLUDED_
#define _NGX_HTTP_AWS_SIGV4_FETCH_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>
#include <ngx_event_connect.h>

#include "core/sigv4.h"
#include "providers/sigv4_http.h"


#define NGX_HTTP_AWS_SIGV4_FETCH_ERROR    256


typedef struct ngx_http_aws_sigv4_fetch_s  ngx_http_aws_sigv4_fetch_t;

typedef void (*ngx_http_aws_sigv4_fetch_pt)(ngx_http_aws_sigv4_fetch_t *f);


/* where to ask: a URL, taken apart when the configuration is read */
typedef struct {
    ngx_str_t                      name;      /* scheme and authority */
    ngx_str_t                      authority; /* the Host header */
    ngx_str_t                      host;      /* without port or brackets */
    ngx_str_t                      uri;       /* path and query, never "" */
    in_port_t                      port;

    /* of an address or of localhost; none: host has to be resolved */
    ngx_addr_t                    *addrs;
    ngx_uint_t                     naddrs;

    unsigned                       tls:1;
    unsigned                       literal:1; /* host is an address */
    unsigned                       loopback:1;
} ngx_http_aws_sigv4_origin_t;


struct ngx_http_aws_sigv4_fetch_s {

    /*
     * Set by the caller before start(); what is pointed to must live as
     * long as the fetch, in f->pool or, secrets, in fetch_alloc().
     */

    ngx_str_t                      provider;  /* its name, for the log */
    const char                    *purpose;   /* for that, if it has none */
    ngx_http_aws_sigv4_origin_t   *origin;

    ngx_str_t                      method;    /* "GET" */
    ngx_str_t                      uri;       /* empty: that of the origin */
    ngx_str_t                      headers;   /* by fetch_header() */
    ngx_str_t                      body;

    ngx_resolver_t                *resolver;
    ngx_ssl_t                     *ssl;       /* fetch_ssl(), for https */

    ngx_msec_t                     connect_timeout;    /* 1 s, per address */
    ngx_msec_t                     send_timeout;       /* 2 s */
    ngx_msec_t                     read_timeout;       /* 2 s */
    ngx_msec_t                     timeout;   /* 5 s, for all of it */

    size_t                         max_size;  /* 64 KB, of the body */

    ngx_http_aws_sigv4_fetch_pt    handler;
    void                          *data;

    /* for the handler, valid until it returns */

    ngx_uint_t                     status;    /* 0: see error */
    ngx_str_t                      response;  /* the body */
    ngx_str_t                      error;     /* printable, no secret */

    /* of the fetch */

    ngx_pool_t                    *pool;
    ngx_log_t                     *log;

    ngx_queue_t                    queue;     /* of those that run */
    ngx_event_t                    event;     /* begins, and ends in time */

    ngx_resolver_ctx_t            *resolving;
    ngx_addr_t                    *addrs;
    ngx_uint_t                     naddrs;
    ngx_uint_t                     naddr;     /* the one that is tried */

    ngx_peer_connection_t          peer;
    ngx_buf_t                      request;
    sigv4_http_t                   http;

    u_char                         text[NGX_HTTP_AWS_SIGV4_FETCH_ERROR];
};


/* NULL: there is no memory, or the worker is exiting */
ngx_http_aws_sigv4_fetch_t *ngx_http_aws_sigv4_fetch_create(ngx_log_t *log);

/* memory that is wiped with the fetch and not dumped into core files */
void *ngx_http_aws_sigv4_fetch_alloc(ngx_http_aws_sigv4_fetch_t *f,
    size_t size);

/*
 * Adds a field to the request; the value is copied.  NGX_DECLINED: it has a
 * byte that cannot stand there; NGX_ERROR: there is no memory.  Host,
 * Content-Length and Connection are there already.
 */
ngx_int_t ngx_http_aws_sigv4_fetch_header(ngx_http_aws_sigv4_fetch_t *f,
    const char *name, ngx_str_t *value);

/*
 * ngx_http_aws_sigv4_sign_form.c: signs a POST of the form that is the body,
 * with the date of now, and adds the fields; Content-Type must be there.
 * SIGV4_OK, or another code of the core.
 */
int ngx_http_aws_sigv4_sign_form(ngx_http_aws_sigv4_fetch_t *f,
    const char *service, sigv4_str_t region, sigv4_credentials_t *cred);

void ngx_http_aws_sigv4_fetch_start(ngx_http_aws_sigv4_fetch_t *f);

/* destroys a fetch, started or not, without a call of the handler */
void ngx_http_aws_sigv4_fetch_abort(ngx_http_aws_sigv4_fetch_t *f);

/* a field of the response, empty if it is not there; name in lower case */
ngx_str_t ngx_http_aws_sigv4_fetch_field(ngx_http_aws_sigv4_fetch_t *f,
    const char *name);

/* from exit_process: ends all that run, with an error */
void ngx_http_aws_sigv4_fetch_exit(void);

/*
 * Takes an http:// or https:// URL apart.  What is wrong with it is
 * returned, NULL if nothing is; what is kept is in the pool.
 */
char *ngx_http_aws_sigv4_origin(ngx_pool_t *pool, ngx_str_t *url,
    ngx_http_aws_sigv4_origin_t *origin);

/*
 * The TLS context of providers, which verifies against the CA file or, if
 * its name is empty, the system's CAs.  NULL: it has been logged.
 */
ngx_ssl_t *ngx_http_aws_sigv4_fetch_ssl(ngx_conf_t *cf,
    const char *directive, ngx_str_t *ca_file);


#endif /* _NGX_HTTP_AWS_SIGV4_FETCH_H_INCLUDED_ */
