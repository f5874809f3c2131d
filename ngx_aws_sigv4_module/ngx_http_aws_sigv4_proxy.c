
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */


#include "ngx_http_aws_sigv4_module.h"


typedef char *(*ngx_http_aws_sigv4_set_pt)(ngx_conf_t *cf,
    ngx_command_t *cmd, void *conf);

typedef char *(*ngx_http_aws_sigv4_record_pt)(ngx_conf_t *cf,
    ngx_http_aws_sigv4_loc_conf_t *slcf, ngx_str_t *value);

/* a command of another module whose arguments are recorded */
typedef struct {
    char                           *module;
    ngx_str_t                       name;
    ngx_http_aws_sigv4_record_pt    record;
    ngx_command_t                  *cmd;
    ngx_http_aws_sigv4_set_pt       set;        /* the original */
} ngx_http_aws_sigv4_command_t;


static void ngx_http_aws_sigv4_proxy_cleanup(void *data);
static ngx_command_t *ngx_http_aws_sigv4_find_command(ngx_conf_t *cf,
    ngx_http_aws_sigv4_command_t *command);
static char *ngx_http_aws_sigv4_proxy_command(ngx_conf_t *cf,
    ngx_command_t *cmd, void *conf);
static char *ngx_http_aws_sigv4_record_pass(ngx_conf_t *cf,
    ngx_http_aws_sigv4_loc_conf_t *slcf, ngx_str_t *value);
static ngx_int_t ngx_http_aws_sigv4_literal_pass(ngx_conf_t *cf,
    ngx_http_aws_sigv4_pass_t *pass);
static ngx_int_t ngx_http_aws_sigv4_variable_pass(ngx_conf_t *cf,
    ngx_http_aws_sigv4_pass_t *pass);
static char *ngx_http_aws_sigv4_record_header(ngx_conf_t *cf,
    ngx_http_aws_sigv4_loc_conf_t *slcf, ngx_str_t *value);
static char *ngx_http_aws_sigv4_record_method(ngx_conf_t *cf,
    ngx_http_aws_sigv4_loc_conf_t *slcf, ngx_str_t *value);
static char *ngx_http_aws_sigv4_record_version(ngx_conf_t *cf,
    ngx_http_aws_sigv4_loc_conf_t *slcf, ngx_str_t *value);
static char *ngx_http_aws_sigv4_record_flag(ngx_conf_t *cf,
    ngx_http_aws_sigv4_loc_conf_t *slcf, ngx_str_t *value);
static ngx_http_complex_value_t *ngx_http_aws_sigv4_compile(ngx_conf_t *cf,
    ngx_str_t *source);
static ngx_int_t ngx_http_aws_sigv4_compile_headers(ngx_conf_t *cf,
    ngx_http_aws_sigv4_loc_conf_t *conf);


/* a command that is recorded as a flag: 1 unless its argument is this */
typedef struct {
    ngx_str_t                       name;
    char                           *unset;
    size_t                          offset;
} ngx_http_aws_sigv4_flag_t;


static ngx_http_aws_sigv4_flag_t  ngx_http_aws_sigv4_flags[] = {
    { ngx_string("proxy_cache"), "off",
      offsetof(ngx_http_aws_sigv4_proxy_t, cache) },
    { ngx_string("proxy_set_body"), NULL,
      offsetof(ngx_http_aws_sigv4_proxy_t, set_body) },
    { ngx_string("proxy_ssl_verify"), "off",
      offsetof(ngx_http_aws_sigv4_proxy_t, ssl_verify) },
    { ngx_string("proxy_ssl_server_name"), "off",
      offsetof(ngx_http_aws_sigv4_proxy_t, ssl_server_name) },
    { ngx_string("proxy_buffering"), "off",
      offsetof(ngx_http_aws_sigv4_proxy_t, buffering) },
    { ngx_string("grpc_pass"), NULL,
      offsetof(ngx_http_aws_sigv4_proxy_t, grpc) },

    /* what keeps strangers out */
    { ngx_string("deny"), NULL,
      offsetof(ngx_http_aws_sigv4_proxy_t, guarded) },
    { ngx_string("auth_basic"), "off",
      offsetof(ngx_http_aws_sigv4_proxy_t, guarded) },
    { ngx_string("auth_request"), "off",
      offsetof(ngx_http_aws_sigv4_proxy_t, guarded) },
    { ngx_string("ssl_verify_client"), "off",
      offsetof(ngx_http_aws_sigv4_proxy_t, guarded) },
    { ngx_string("internal"), NULL,
      offsetof(ngx_http_aws_sigv4_proxy_t, guarded) },
    { ngx_string("access_by_lua_block"), NULL,
      offsetof(ngx_http_aws_sigv4_proxy_t, guarded) },
    { ngx_string("access_by_lua_file"), NULL,
      offsetof(ngx_http_aws_sigv4_proxy_t, guarded) },

    /* what may choose by resty.aws_sigv4 */
    { ngx_string("set_by_lua_block"), NULL,
      offsetof(ngx_http_aws_sigv4_proxy_t, lua) },
    { ngx_string("set_by_lua_file"), NULL,
      offsetof(ngx_http_aws_sigv4_proxy_t, lua) },
    { ngx_string("rewrite_by_lua_block"), NULL,
      offsetof(ngx_http_aws_sigv4_proxy_t, lua) },
    { ngx_string("rewrite_by_lua_file"), NULL,
      offsetof(ngx_http_aws_sigv4_proxy_t, lua) },
    { ngx_string("access_by_lua_block"), NULL,
      offsetof(ngx_http_aws_sigv4_proxy_t, lua) },
    { ngx_string("access_by_lua_file"), NULL,
      offsetof(ngx_http_aws_sigv4_proxy_t, lua) },

    { ngx_null_string, NULL, 0 }
};


static ngx_http_aws_sigv4_command_t  ngx_http_aws_sigv4_commands[] = {
    { "ngx_http_proxy_module", ngx_string("proxy_pass"),
      ngx_http_aws_sigv4_record_pass, NULL, NULL },
    { "ngx_http_proxy_module", ngx_string("proxy_set_header"),
      ngx_http_aws_sigv4_record_header, NULL, NULL },
    { "ngx_http_proxy_module", ngx_string("proxy_method"),
      ngx_http_aws_sigv4_record_method, NULL, NULL },
    { "ngx_http_proxy_module", ngx_string("proxy_http_version"),
      ngx_http_aws_sigv4_record_version, NULL, NULL },
    { "ngx_http_proxy_module", ngx_string("proxy_set_body"),
      ngx_http_aws_sigv4_record_flag, NULL, NULL },
    { "ngx_http_proxy_module", ngx_string("proxy_cache"),
      ngx_http_aws_sigv4_record_flag, NULL, NULL },
    { "ngx_http_proxy_module", ngx_string("proxy_ssl_verify"),
      ngx_http_aws_sigv4_record_flag, NULL, NULL },
    { "ngx_http_proxy_module", ngx_string("proxy_ssl_server_name"),
      ngx_http_aws_sigv4_record_flag, NULL, NULL },
    { "ngx_http_proxy_module", ngx_string("proxy_buffering"),
      ngx_http_aws_sigv4_record_flag, NULL, NULL },
    { "ngx_http_grpc_module", ngx_string("grpc_pass"),
      ngx_http_aws_sigv4_record_flag, NULL, NULL },
    { "ngx_http_access_module", ngx_string("deny"),
      ngx_http_aws_sigv4_record_flag, NULL, NULL },
    { "ngx_http_auth_basic_module", ngx_string("auth_basic"),
      ngx_http_aws_sigv4_record_flag, NULL, NULL },
    { "ngx_http_auth_request_module", ngx_string("auth_request"),
      ngx_http_aws_sigv4_record_flag, NULL, NULL },
    { "ngx_http_ssl_module", ngx_string("ssl_verify_client"),
      ngx_http_aws_sigv4_record_flag, NULL, NULL },
    { "ngx_http_core_module", ngx_string("internal"),
      ngx_http_aws_sigv4_record_flag, NULL, NULL },
    { "ngx_http_lua_module", ngx_string("access_by_lua_block"),
      ngx_http_aws_sigv4_record_flag, NULL, NULL },
    { "ngx_http_lua_module", ngx_string("access_by_lua_file"),
      ngx_http_aws_sigv4_record_flag, NULL, NULL },
    { "ngx_http_lua_module", ngx_string("set_by_lua_block"),
      ngx_http_aws_sigv4_record_flag, NULL, NULL },
    { "ngx_http_lua_module", ngx_string("set_by_lua_file"),
      ngx_http_aws_sigv4_record_flag, NULL, NULL },
    { "ngx_http_lua_module", ngx_string("rewrite_by_lua_block"),
      ngx_http_aws_sigv4_record_flag, NULL, NULL },
    { "ngx_http_lua_module", ngx_string("rewrite_by_lua_file"),
      ngx_http_aws_sigv4_record_flag, NULL, NULL },
    { NULL, ngx_null_string, NULL, NULL, NULL }
};


ngx_int_t
ngx_http_aws_sigv4_proxy_record(ngx_conf_t *cf)
{
    ngx_pool_cleanup_t            *cln;
    ngx_http_aws_sigv4_command_t  *command;

    /* a configuration that fails never comes to the postconfiguration */

    cln = ngx_pool_cleanup_add(cf->pool, 0);
    if (cln == NULL) {
        return NGX_ERROR;
    }

    cln->handler = ngx_http_aws_sigv4_proxy_cleanup;

    for (command = ngx_http_aws_sigv4_commands; command->module; command++) {

        if (command->cmd != NULL) {
            continue;
        }

        command->cmd = ngx_http_aws_sigv4_find_command(cf, command);

        if (command->cmd == NULL) {
            continue;
        }

        command->set = command->cmd->set;
        command->cmd->set = ngx_http_aws_sigv4_proxy_command;
    }

    return NGX_OK;
}


static void
ngx_http_aws_sigv4_proxy_cleanup(void *data)
{
    ngx_http_aws_sigv4_proxy_restore();
}


void
ngx_http_aws_sigv4_proxy_restore(void)
{
    ngx_http_aws_sigv4_command_t  *command;

    for (command = ngx_http_aws_sigv4_commands; command->module; command++) {

        if (command->cmd != NULL) {
            command->cmd->set = command->set;
            command->cmd = NULL;
        }
    }
}


static ngx_command_t *
ngx_http_aws_sigv4_find_command(ngx_conf_t *cf,
    ngx_http_aws_sigv4_command_t *command)
{
    ngx_uint_t      i;
    ngx_module_t   *module;
    ngx_command_t  *cmd;

    for (i = 0; cf->cycle->modules[i]; i++) {
        module = cf->cycle->modules[i];

        if (ngx_strcmp(module->name, command->module) != 0) {
            continue;
        }

        for (cmd = module->commands; cmd->name.len; cmd++) {

            if (cmd->name.len == command->name.len
                && ngx_strcmp(cmd->name.data, command->name.data) == 0)
            {
                return cmd;
            }
        }
    }

    return NULL;
}


static char *
ngx_http_aws_sigv4_proxy_command(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    char                           *rv;
    ngx_str_t                      *value;
    ngx_http_aws_sigv4_command_t   *command;
    ngx_http_aws_sigv4_loc_conf_t  *slcf;

    for (command = ngx_http_aws_sigv4_commands; command->module; command++) {

        if (command->cmd == NULL
            || command->cmd->name.data != cmd->name.data)
        {
            continue;
        }

        rv = command->set(cf, cmd, conf);

        if (rv != NGX_CONF_OK) {
            return rv;
        }

        slcf = ngx_http_conf_get_module_loc_conf(cf,
                                                 ngx_http_aws_sigv4_module);
        value = cf->args->elts;

        return command->record(cf, slcf, value);
    }

    return NGX_CONF_ERROR;
}


static char *
ngx_http_aws_sigv4_record_pass(ngx_conf_t *cf,
    ngx_http_aws_sigv4_loc_conf_t *slcf, ngx_str_t *value)
{
    ngx_int_t                        rc;
    ngx_http_core_loc_conf_t        *clcf;
    ngx_http_aws_sigv4_pass_t       *pass;
    ngx_http_aws_sigv4_main_conf_t  *smcf;

    pass = ngx_pcalloc(cf->pool, sizeof(ngx_http_aws_sigv4_pass_t));
    if (pass == NULL) {
        return NGX_CONF_ERROR;
    }

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    smcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_aws_sigv4_module);

    /* the handler is static in the proxy module, but it has just been set */

    smcf->proxy_handler = clcf->handler;

    pass->source = value[1];
    pass->file = cf->conf_file->file.name.data;
    pass->line = cf->conf_file->line;
    pass->location = clcf->name;

    if (clcf->named
#if (NGX_PCRE)
        || clcf->regex
#endif
        || clcf->noname)
    {
        pass->location.len = 0;
    }

    if (ngx_http_script_variables_count(&pass->source)) {
        rc = ngx_http_aws_sigv4_variable_pass(cf, pass);

    } else {
        rc = ngx_http_aws_sigv4_literal_pass(cf, pass);
    }

    if (rc != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    slcf->proxy.pass = pass;

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_http_aws_sigv4_literal_pass(ngx_conf_t *cf,
    ngx_http_aws_sigv4_pass_t *pass)
{
    size_t     add;
    ngx_url_t  u;

    pass->ssl = (ngx_strncasecmp(pass->source.data,
                                 (u_char *) "https://", 8) == 0);
    add = pass->ssl ? 8 : 7;

    ngx_memzero(&u, sizeof(ngx_url_t));

    u.url.len = pass->source.len - add;
    u.url.data = pass->source.data + add;
    u.default_port = pass->ssl ? 443 : 80;
    u.uri_part = 1;
    u.no_resolve = 1;

    if (ngx_parse_url(cf->pool, &u) != NGX_OK) {
        return NGX_ERROR;
    }

    pass->uri = u.uri;

    /* as ngx_http_proxy_set_vars() does */

    if (u.family == AF_UNIX) {
        ngx_str_set(&pass->host, "localhost");

    } else if (u.no_port || u.port == u.default_port) {
        pass->host = u.host;

    } else {
        pass->host.len = u.host.len + 1 + u.port_text.len;
        pass->host.data = u.host.data;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_aws_sigv4_variable_pass(ngx_conf_t *cf,
    ngx_http_aws_sigv4_pass_t *pass)
{
    u_char  *p, *last;

    pass->url = ngx_http_aws_sigv4_compile(cf, &pass->source);
    if (pass->url == NULL) {
        return NGX_ERROR;
    }

    pass->variable_authority = 1;

    p = pass->source.data;
    last = p + pass->source.len;

    if (ngx_strncasecmp(p, (u_char *) "https://", 8) == 0) {
        pass->ssl = 1;
        p += 8;

    } else if (ngx_strncasecmp(p, (u_char *) "http://", 7) == 0) {
        p += 7;

    } else {

        /* a variable may be the scheme: it can be https */

        pass->ssl = (*p == '$');
        return NGX_OK;
    }

    /*
     * The authority is literal if it ends before the first variable.
     * $request_uri ends it too: it starts with "/" or "?" always, which
     * $uri and the others do not after a rewrite.
     */

    while (p < last && *p != '/' && *p != '?' && *p != '$') {
        p++;
    }

    if (p == last
        || (*p == '$'
            && (last - p != 12 || ngx_strncmp(p, "$request_uri", 12) != 0)))
    {
        return NGX_OK;
    }

    pass->variable_authority = 0;

    last = p;
    p = pass->source.data + (pass->ssl ? 8 : 7);

    pass->host.data = p;
    pass->host.len = last - p;

    if (pass->host.len > 4 && pass->ssl
        && ngx_strncmp(last - 4, ":443", 4) == 0)
    {
        pass->host.len -= 4;

    } else if (pass->host.len > 3 && !pass->ssl
               && ngx_strncmp(last - 3, ":80", 3) == 0)
    {
        pass->host.len -= 3;
    }

    return NGX_OK;
}


static char *
ngx_http_aws_sigv4_record_header(ngx_conf_t *cf,
    ngx_http_aws_sigv4_loc_conf_t *slcf, ngx_str_t *value)
{
    ngx_http_aws_sigv4_header_t  *header;

    if (slcf->proxy.headers == NGX_CONF_UNSET_PTR) {
        slcf->proxy.headers = ngx_array_create(cf->pool, 4,
                                         sizeof(ngx_http_aws_sigv4_header_t));
        if (slcf->proxy.headers == NULL) {
            return NGX_CONF_ERROR;
        }
    }

    header = ngx_array_push(slcf->proxy.headers);
    if (header == NULL) {
        return NGX_CONF_ERROR;
    }

    header->name.len = value[1].len;
    header->name.data = ngx_pnalloc(cf->pool, value[1].len);
    if (header->name.data == NULL) {
        return NGX_CONF_ERROR;
    }

    ngx_strlow(header->name.data, value[1].data, value[1].len);

    header->source = value[2];
    header->value = NULL;

    return NGX_CONF_OK;
}


static char *
ngx_http_aws_sigv4_record_method(ngx_conf_t *cf,
    ngx_http_aws_sigv4_loc_conf_t *slcf, ngx_str_t *value)
{
    slcf->proxy.method = ngx_http_aws_sigv4_compile(cf, &value[1]);

    return slcf->proxy.method ? NGX_CONF_OK : NGX_CONF_ERROR;
}


static char *
ngx_http_aws_sigv4_record_version(ngx_conf_t *cf,
    ngx_http_aws_sigv4_loc_conf_t *slcf, ngx_str_t *value)
{
    slcf->proxy.http2 = (value[1].data[0] == '2');

    return NGX_CONF_OK;
}


static char *
ngx_http_aws_sigv4_record_flag(ngx_conf_t *cf,
    ngx_http_aws_sigv4_loc_conf_t *slcf, ngx_str_t *value)
{
    ngx_flag_t                 *field;
    ngx_http_aws_sigv4_flag_t  *flag;

    for (flag = ngx_http_aws_sigv4_flags; flag->name.len; flag++) {

        if (flag->name.len != value[0].len
            || ngx_strcmp(flag->name.data, value[0].data) != 0)
        {
            continue;
        }

        field = (ngx_flag_t *) ((char *) &slcf->proxy + flag->offset);

        *field = (flag->unset == NULL
                  || cf->args->nelts < 2
                  || ngx_strcasecmp(value[1].data, (u_char *) flag->unset)
                     != 0);
    }

    return NGX_CONF_OK;
}


static ngx_http_complex_value_t *
ngx_http_aws_sigv4_compile(ngx_conf_t *cf, ngx_str_t *source)
{
    ngx_http_complex_value_t          *value;
    ngx_http_compile_complex_value_t   ccv;

    value = ngx_palloc(cf->pool, sizeof(ngx_http_complex_value_t));
    if (value == NULL) {
        return NULL;
    }

    ngx_memzero(&ccv, sizeof(ngx_http_compile_complex_value_t));

    ccv.cf = cf;
    ccv.value = source;
    ccv.complex_value = value;

    if (ngx_http_compile_complex_value(&ccv) != NGX_OK) {
        return NULL;
    }

    return value;
}


void
ngx_http_aws_sigv4_proxy_init(ngx_http_aws_sigv4_proxy_t *proxy)
{
    proxy->pass = NULL;
    proxy->headers = NGX_CONF_UNSET_PTR;
    proxy->method = NULL;
    proxy->cache = NGX_CONF_UNSET;
    proxy->set_body = NGX_CONF_UNSET;
    proxy->http2 = NGX_CONF_UNSET;
    proxy->grpc = NGX_CONF_UNSET;
    proxy->guarded = NGX_CONF_UNSET;
    proxy->lua = NGX_CONF_UNSET;
    proxy->ssl_verify = NGX_CONF_UNSET;
    proxy->ssl_server_name = NGX_CONF_UNSET;
    proxy->buffering = NGX_CONF_UNSET;
}


ngx_int_t
ngx_http_aws_sigv4_proxy_merge(ngx_conf_t *cf,
    ngx_http_aws_sigv4_loc_conf_t *prev, ngx_http_aws_sigv4_loc_conf_t *conf)
{
    ngx_http_core_loc_conf_t        *clcf;
    ngx_http_aws_sigv4_main_conf_t  *smcf;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    smcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_aws_sigv4_module);

    /* proxy_pass is inherited by "if" and "limit_except" blocks only */

    if (clcf->noname
        && (clcf->handler == NULL || clcf->handler == smcf->proxy_handler))
    {

        if (conf->proxy.pass == NULL) {
            conf->proxy.pass = prev->proxy.pass;
        }

        ngx_conf_merge_value(conf->proxy.grpc, prev->proxy.grpc, 0);
    }

    ngx_conf_merge_value(conf->proxy.grpc, NGX_CONF_UNSET, 0);
    ngx_conf_merge_value(conf->proxy.guarded, prev->proxy.guarded, 0);
    ngx_conf_merge_value(conf->proxy.lua, prev->proxy.lua, 0);
    ngx_conf_merge_ptr_value(conf->proxy.headers, prev->proxy.headers, NULL);
    ngx_conf_merge_value(conf->proxy.cache, prev->proxy.cache, 0);
    ngx_conf_merge_value(conf->proxy.set_body, prev->proxy.set_body, 0);
    ngx_conf_merge_value(conf->proxy.http2, prev->proxy.http2, 0);
    ngx_conf_merge_value(conf->proxy.ssl_verify, prev->proxy.ssl_verify, 0);
    ngx_conf_merge_value(conf->proxy.ssl_server_name,
                         prev->proxy.ssl_server_name, 0);
    ngx_conf_merge_value(conf->proxy.buffering, prev->proxy.buffering, 1);

    if (conf->proxy.method == NULL) {
        conf->proxy.method = prev->proxy.method;
    }

    if (conf->proxy.pass == NULL || !smcf->used) {
        return NGX_OK;
    }

    if (clcf->handler == smcf->proxy_handler) {
        clcf->handler = ngx_http_aws_sigv4_proxy_handler;

    } else if (clcf->handler != NULL
               && clcf->handler != ngx_http_aws_sigv4_proxy_handler)
    {
        /* another handler came after proxy_pass and has replaced it */

        conf->proxy.pass = NULL;
        return NGX_OK;
    }

    return ngx_http_aws_sigv4_compile_headers(cf, conf);
}


static ngx_int_t
ngx_http_aws_sigv4_compile_headers(ngx_conf_t *cf,
    ngx_http_aws_sigv4_loc_conf_t *conf)
{
    ngx_uint_t                    i;
    ngx_http_aws_sigv4_header_t  *header;

    if (conf->proxy.headers == NULL) {
        return NGX_OK;
    }

    header = conf->proxy.headers->elts;

    for (i = 0; i < conf->proxy.headers->nelts; i++) {

        if (header[i].value != NULL
            || header[i].source.len == 0
            || !ngx_http_aws_sigv4_is_signed(conf, &header[i].name))
        {
            continue;
        }

        header[i].value = ngx_http_aws_sigv4_compile(cf, &header[i].source);
        if (header[i].value == NULL) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


ngx_http_aws_sigv4_header_t *
ngx_http_aws_sigv4_proxy_header(ngx_http_aws_sigv4_loc_conf_t *slcf,
    ngx_str_t *name)
{
    ngx_uint_t                    i;
    ngx_http_aws_sigv4_header_t  *header;

    if (slcf->proxy.headers == NULL) {
        return NULL;
    }

    header = slcf->proxy.headers->elts;

    for (i = 0; i < slcf->proxy.headers->nelts; i++) {

        if (header[i].name.len == name->len
            && ngx_memcmp(header[i].name.data, name->data, name->len) == 0)
        {
            return &header[i];
        }
    }

    return NULL;
}
