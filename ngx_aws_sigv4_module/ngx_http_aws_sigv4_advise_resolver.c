
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The warning of a host that nobody can resolve.
 */


#include "ngx_http_aws_sigv4_advise.h"


static ngx_uint_t ngx_http_aws_sigv4_need_resolver(ngx_conf_t *cf,
    ngx_http_aws_sigv4_pass_t *pass);
static ngx_str_t ngx_http_aws_sigv4_pass_name(
    ngx_http_aws_sigv4_pass_t *pass);
static ngx_uint_t ngx_http_aws_sigv4_is_address(ngx_str_t *name);


/*
 * With variables in proxy_pass even a literal name is looked up when the
 * request comes: in vain without a resolver, and the answer is 502.
 */

void
ngx_http_aws_sigv4_advise_resolver(ngx_conf_t *cf,
    ngx_http_aws_sigv4_loc_conf_t *conf)
{
    ngx_http_core_loc_conf_t   *clcf;
    ngx_http_aws_sigv4_pass_t  *pass;

    pass = conf->proxy.pass;
    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    if (pass->url == NULL
        || (clcf->resolver != NULL && clcf->resolver->connections.nelts)
        || !ngx_http_aws_sigv4_need_resolver(cf, pass))
    {
        return;
    }

    ngx_http_aws_sigv4_warn(cf, conf,
                  "\"proxy_pass %V\" contains variables, and its host cannot "
                  "be resolved when a request comes, set \"resolver\", or "
                  "define an \"upstream\" of that name,", &pass->source);
}


/* which upstream a variable names is not known: any that is defined */

static ngx_uint_t
ngx_http_aws_sigv4_need_resolver(ngx_conf_t *cf,
    ngx_http_aws_sigv4_pass_t *pass)
{
    ngx_str_t                        host;
    ngx_uint_t                       i;
    ngx_http_upstream_srv_conf_t   **uscf;
    ngx_http_upstream_main_conf_t   *umcf;

    host = ngx_http_aws_sigv4_pass_name(pass);

    if (ngx_http_aws_sigv4_is_address(&host)) {
        return 0;
    }

    umcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_upstream_module);
    uscf = umcf->upstreams.elts;

    for (i = 0; i < umcf->upstreams.nelts; i++) {

        if (host.len == 0) {

            if (uscf[i]->flags & NGX_HTTP_UPSTREAM_CREATE) {
                return 0;
            }

        } else if (uscf[i]->host.len == host.len
                   && ngx_strncasecmp(uscf[i]->host.data, host.data, host.len)
                      == 0)
        {
            return 0;
        }
    }

    return 1;
}


/* the host without its port; empty if a variable is in it */

static ngx_str_t
ngx_http_aws_sigv4_pass_name(ngx_http_aws_sigv4_pass_t *pass)
{
    u_char     *p, *last;
    ngx_str_t   name;

    ngx_str_null(&name);

    p = pass->source.data;
    last = p + pass->source.len;

    if (*p == '$') {
        return name;
    }

    p += pass->ssl ? 8 : 7;
    name.data = p;

    if (p < last && *p == '[') {

        /* an IPv6 address */

        name.len = last - p;
        return name;
    }

    while (p < last && *p != ':' && *p != '/' && *p != '?' && *p != '$') {
        p++;
    }

    if (pass->variable_authority && p < last && *p == '$') {
        return name;
    }

    name.len = p - name.data;

    return name;
}


static ngx_uint_t
ngx_http_aws_sigv4_is_address(ngx_str_t *name)
{
    return name->len
           && (name->data[0] == '['
               || ngx_inet_addr(name->data, name->len) != INADDR_NONE
               || (name->len == 4 && ngx_strncmp(name->data, "unix", 4) == 0));
}
