
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "ngx_http_aws_sigv4_fetch_parts.h"


#if (NGX_SSL)

/* of the chain: as the tools of OpenSSL have it */
#define NGX_HTTP_AWS_SIGV4_VERIFY_DEPTH   9


static ngx_uint_t ngx_http_aws_sigv4_fetch_has_cas(void);
static void ngx_http_aws_sigv4_fetch_handshaked(ngx_connection_t *c);
static ngx_int_t ngx_http_aws_sigv4_fetch_verify(
    ngx_http_aws_sigv4_fetch_t *f, ngx_connection_t *c);
static ngx_int_t ngx_http_aws_sigv4_fetch_check_host(ngx_connection_t *c,
    ngx_http_aws_sigv4_origin_t *origin);


ngx_ssl_t *
ngx_http_aws_sigv4_fetch_ssl(ngx_conf_t *cf, const char *directive,
    ngx_str_t *ca_file)
{
    ngx_ssl_t           *ssl;
    ngx_str_t            file;
    X509_STORE          *store;
    ngx_pool_cleanup_t  *cln;

    ssl = ngx_pcalloc(cf->pool, sizeof(ngx_ssl_t));
    if (ssl == NULL) {
        return NULL;
    }

    ssl->log = cf->log;

    cln = ngx_pool_cleanup_add(cf->pool, 0);
    if (cln == NULL) {
        return NULL;
    }

    if (ngx_ssl_create(ssl, NGX_SSL_TLSv1_2|NGX_SSL_TLSv1_3, NULL) != NGX_OK) {
        return NULL;
    }

    cln->handler = ngx_ssl_cleanup_ctx;
    cln->data = ssl;

#ifdef SSL_OP_CLEANSE_PLAINTEXT
    SSL_CTX_set_options(ssl->ctx, SSL_OP_CLEANSE_PLAINTEXT);
#endif

    file = *ca_file;

    if (file.len) {
        return ngx_ssl_trusted_certificate(cf, ssl, &file,
                                           NGX_HTTP_AWS_SIGV4_VERIFY_DEPTH)
               == NGX_OK ? ssl : NULL;
    }

    /*
     * Of libssl only what nginx calls itself is used: an OpenSSL that is
     * built into nginx has nothing else for a dynamic module.
     */

    store = SSL_CTX_get_cert_store(ssl->ctx);

    if (X509_STORE_set_default_paths(store) == 0) {
        ngx_ssl_error(NGX_LOG_EMERG, cf->log, 0,
                      "X509_STORE_set_default_paths() failed");
        return NULL;
    }

    SSL_CTX_set_verify_depth(ssl->ctx, NGX_HTTP_AWS_SIGV4_VERIFY_DEPTH);

    if (!ngx_http_aws_sigv4_fetch_has_cas()) {
        ngx_conf_log_error(NGX_LOG_WARN, cf, 0,
                           "\"%s\": the system has no CA certificates, "
                           "without which no server is trusted: install "
                           "ca-certificates or write \"ca_file=\"",
                           directive);
    }

    return ssl;
}


/* images of containers come without: OpenSSL does not call that an error */

static ngx_uint_t
ngx_http_aws_sigv4_fetch_has_cas(void)
{
    DIR            *dir;
    char           *path;
    ngx_uint_t      found;
    struct dirent  *de;

    path = getenv(X509_get_default_cert_file_env());

    if (access(path ? path : X509_get_default_cert_file(), R_OK) == 0) {
        return 1;
    }

    path = getenv(X509_get_default_cert_dir_env());

    if (path != NULL && strchr(path, ':') != NULL) {

        /* more than one are not looked into */

        return 1;
    }

    dir = opendir(path ? path : X509_get_default_cert_dir());

    if (dir == NULL) {
        return 0;
    }

    found = 0;

    while (!found && (de = readdir(dir)) != NULL) {
        found = (de->d_name[0] != '.');
    }

    (void) closedir(dir);

    return found;
}


void
ngx_http_aws_sigv4_fetch_handshake(ngx_http_aws_sigv4_fetch_t *f)
{
    ngx_connection_t  *c;

    c = f->peer.connection;

    f->log->action = "SSL handshaking";

    if (ngx_ssl_create_connection(f->ssl, c, NGX_SSL_CLIENT) != NGX_OK) {
        goto failed;
    }

    /* the host ends with NUL; RFC 6066 has no server name for an address */

    if (!f->origin->literal
        && SSL_set_tlsext_host_name(c->ssl->connection,
                                    (char *) f->origin->host.data)
           == 0)
    {
        ngx_ssl_error(NGX_LOG_ERR, f->log, 0,
                      "SSL_set_tlsext_host_name() failed");
        goto failed;
    }

    /* the time to connect goes on */

    if (!c->write->timer_set) {
        ngx_add_timer(c->write, f->connect_timeout);
    }

    if (ngx_ssl_handshake(c) == NGX_AGAIN) {
        c->ssl->handler = ngx_http_aws_sigv4_fetch_handshaked;
        return;
    }

    ngx_http_aws_sigv4_fetch_handshaked(c);
    return;

failed:

    ngx_http_aws_sigv4_fetch_error(f, 0, "TLS could not be set up");
    ngx_http_aws_sigv4_fetch_done(f);
}


static void
ngx_http_aws_sigv4_fetch_handshaked(ngx_connection_t *c)
{
    ngx_http_aws_sigv4_fetch_t  *f;

    f = c->data;

    if (c->write->timedout) {
        ngx_http_aws_sigv4_fetch_error(f, 0, "the TLS handshake with %V timed "
                                       "out", f->peer.name);

    } else if (!c->ssl->handshaked) {
        ngx_http_aws_sigv4_fetch_error(f, 0, "the TLS handshake with %V "
                                       "failed", f->peer.name);

    } else if (ngx_http_aws_sigv4_fetch_verify(f, c) == NGX_OK) {
        ngx_http_aws_sigv4_fetch_send(f);
        return;
    }

    ngx_http_aws_sigv4_fetch_next(f);
}


static ngx_int_t
ngx_http_aws_sigv4_fetch_verify(ngx_http_aws_sigv4_fetch_t *f,
    ngx_connection_t *c)
{
    long  rc;

    rc = SSL_get_verify_result(c->ssl->connection);

    if (rc != X509_V_OK) {
        ngx_http_aws_sigv4_fetch_error(f, 0, "the certificate of %V is not "
                                       "trusted (%l: %s)",
                                       &f->origin->authority, rc,
                                       X509_verify_cert_error_string(rc));
        return NGX_ERROR;
    }

    if (ngx_http_aws_sigv4_fetch_check_host(c, f->origin) != NGX_OK) {
        ngx_http_aws_sigv4_fetch_error(f, 0, "the certificate is not one of "
                                       "%V", &f->origin->host);
        return NGX_ERROR;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_aws_sigv4_fetch_check_host(ngx_connection_t *c,
    ngx_http_aws_sigv4_origin_t *origin)
{
    int    rc;
    X509  *cert;

    if (!origin->literal) {
        return ngx_ssl_check_host(c, &origin->host);
    }

    /* ngx_ssl_check_host() looks at names alone */

    cert = SSL_get_peer_certificate(c->ssl->connection);
    if (cert == NULL) {
        return NGX_ERROR;
    }

    rc = X509_check_ip_asc(cert, (char *) origin->host.data, 0);

    X509_free(cert);

    return rc == 1 ? NGX_OK : NGX_ERROR;
}

#else

ngx_ssl_t *
ngx_http_aws_sigv4_fetch_ssl(ngx_conf_t *cf, const char *directive,
    ngx_str_t *ca_file)
{
    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "\"aws_sigv4_provider\": https needs nginx with SSL");
    return NULL;
}


void
ngx_http_aws_sigv4_fetch_handshake(ngx_http_aws_sigv4_fetch_t *f)
{
    ngx_http_aws_sigv4_fetch_error(f, 0, "https needs nginx with SSL");
    ngx_http_aws_sigv4_fetch_done(f);
}

#endif
