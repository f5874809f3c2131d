
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The environment that programs are started in: what nginx was started in,
 * with the variables that the "env" directive sets.  Variables that nginx
 * has for itself are left out.
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_aws_sigv4_secret.h"
#include "ngx_http_aws_sigv4_environ.h"


static ngx_int_t ngx_http_aws_sigv4_environ_collect(ngx_conf_t *cf,
    ngx_array_t *vars);
static ngx_int_t ngx_http_aws_sigv4_environ_add(ngx_array_t *vars,
    char *entry);
static ngx_uint_t ngx_http_aws_sigv4_environ_own_name(char *entry);
static void ngx_http_aws_sigv4_environ_free(void *data);


extern char  **environ;


char **
ngx_http_aws_sigv4_environ_copy(ngx_conf_t *cf)
{
    char                **entry, **var, *p;
    size_t                size;
    ngx_uint_t            i;
    ngx_array_t           vars;
    ngx_pool_cleanup_t   *cln;

    if (ngx_array_init(&vars, cf->temp_pool, 64, sizeof(char *)) != NGX_OK
        || ngx_http_aws_sigv4_environ_collect(cf, &vars) != NGX_OK)
    {
        return NULL;
    }

    var = vars.elts;
    size = (vars.nelts + 1) * sizeof(char *);

    for (i = 0; i < vars.nelts; i++) {
        size += ngx_strlen(var[i]) + 1;
    }

    cln = ngx_pool_cleanup_add(cf->pool, 0);
    if (cln == NULL) {
        return NULL;
    }

    entry = ngx_http_aws_sigv4_secret_alloc(size, cf->log);
    if (entry == NULL) {
        return NULL;
    }

    cln->handler = ngx_http_aws_sigv4_environ_free;
    cln->data = entry;

    p = (char *) (entry + vars.nelts + 1);

    for (i = 0; i < vars.nelts; i++) {
        entry[i] = p;
        p = (char *) ngx_cpymem(p, var[i], ngx_strlen(var[i]) + 1);
    }

    return entry;
}


/* a variable that comes first hides those of the same name */

static ngx_int_t
ngx_http_aws_sigv4_environ_collect(ngx_conf_t *cf, ngx_array_t *vars)
{
    char             **p;
    ngx_str_t         *var;
    ngx_uint_t         i;
    ngx_core_conf_t   *ccf;

    ccf = (ngx_core_conf_t *) ngx_get_conf(cf->cycle->conf_ctx,
                                           ngx_core_module);
    var = ccf->env.elts;

    for (i = 0; i < ccf->env.nelts; i++) {

        if (var[i].data[var[i].len] == '='
            && ngx_http_aws_sigv4_environ_add(vars, (char *) var[i].data)
               != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    for (p = ngx_http_aws_sigv4_environ_entries(); *p != NULL; p++) {
        if (ngx_http_aws_sigv4_environ_add(vars, *p) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    for (p = environ; *p != NULL; p++) {
        if (ngx_http_aws_sigv4_environ_add(vars, *p) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_aws_sigv4_environ_add(ngx_array_t *vars, char *entry)
{
    char        **var, *eq;
    size_t        len;
    ngx_uint_t    i;

    eq = strchr(entry, '=');

    if (eq == NULL || ngx_http_aws_sigv4_environ_own_name(entry)) {
        return NGX_OK;
    }

    len = eq - entry + 1;
    var = vars->elts;

    for (i = 0; i < vars->nelts; i++) {
        if (ngx_strncmp(var[i], entry, len) == 0) {
            return NGX_OK;
        }
    }

    var = ngx_array_push(vars);
    if (var == NULL) {
        return NGX_ERROR;
    }

    *var = entry;

    return NGX_OK;
}


static ngx_uint_t
ngx_http_aws_sigv4_environ_own_name(char *entry)
{
    /* NGINX_VAR of nginx, and what environ.c tells a new binary */

    return ngx_strncmp(entry, "NGINX=", sizeof("NGINX=") - 1) == 0
           || ngx_strncmp(entry, "NGX_AWS_SIGV4_ENVIRON=",
                          sizeof("NGX_AWS_SIGV4_ENVIRON=") - 1)
              == 0;
}


static void
ngx_http_aws_sigv4_environ_free(void *data)
{
    ngx_http_aws_sigv4_secret_free(data);
}
