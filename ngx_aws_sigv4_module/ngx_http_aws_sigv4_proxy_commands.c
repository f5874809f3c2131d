
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The commands of other modules, which record their arguments while the
 * configuration is read.  Their setters are put back when it has been read,
 * or has failed, or the module is unloaded.
 */


#include "ngx_http_aws_sigv4_proxy.h"


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

/* a command that is recorded as a flag: 1 unless its argument is this */
typedef struct {
    ngx_str_t                       name;
    char                           *unset;
    size_t                          offset;
} ngx_http_aws_sigv4_flag_t;


static void ngx_http_aws_sigv4_proxy_cleanup(void *data);
static ngx_command_t *ngx_http_aws_sigv4_find_command(ngx_conf_t *cf,
    ngx_http_aws_sigv4_command_t *command);
static char *ngx_http_aws_sigv4_proxy_command(ngx_conf_t *cf,
    ngx_command_t *cmd, void *conf);
static char *ngx_http_aws_sigv4_record_header(ngx_conf_t *cf,
    ngx_http_aws_sigv4_loc_conf_t *slcf, ngx_str_t *value);
static char *ngx_http_aws_sigv4_record_method(ngx_conf_t *cf,
    ngx_http_aws_sigv4_loc_conf_t *slcf, ngx_str_t *value);
static char *ngx_http_aws_sigv4_record_version(ngx_conf_t *cf,
    ngx_http_aws_sigv4_loc_conf_t *slcf, ngx_str_t *value);
static char *ngx_http_aws_sigv4_record_flag(ngx_conf_t *cf,
    ngx_http_aws_sigv4_loc_conf_t *slcf, ngx_str_t *value);


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

    { ngx_string("proxy_ssl_name"), NULL,
      offsetof(ngx_http_aws_sigv4_proxy_t, ssl_name) },
    { ngx_string("proxy_pass_request_body"), "off",
      offsetof(ngx_http_aws_sigv4_proxy_t, pass_body) },

    /* what keeps strangers out */
    { ngx_string("allow"), NULL,
      offsetof(ngx_http_aws_sigv4_proxy_t, allow) },
    { ngx_string("deny"), NULL,
      offsetof(ngx_http_aws_sigv4_proxy_t, deny) },
    { ngx_string("auth_basic"), "off",
      offsetof(ngx_http_aws_sigv4_proxy_t, auth_basic) },
    { ngx_string("auth_request"), "off",
      offsetof(ngx_http_aws_sigv4_proxy_t, auth_request) },
    { ngx_string("ssl_verify_client"), "off",
      offsetof(ngx_http_aws_sigv4_proxy_t, client_cert) },
    { ngx_string("internal"), NULL,
      offsetof(ngx_http_aws_sigv4_proxy_t, internal) },
    { ngx_string("access_by_lua_block"), NULL,
      offsetof(ngx_http_aws_sigv4_proxy_t, access_lua) },
    { ngx_string("access_by_lua_file"), NULL,
      offsetof(ngx_http_aws_sigv4_proxy_t, access_lua) },

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
    { "ngx_http_proxy_module", ngx_string("proxy_ssl_name"),
      ngx_http_aws_sigv4_record_flag, NULL, NULL },
    { "ngx_http_proxy_module", ngx_string("proxy_pass_request_body"),
      ngx_http_aws_sigv4_record_flag, NULL, NULL },
    { "ngx_http_grpc_module", ngx_string("grpc_pass"),
      ngx_http_aws_sigv4_record_flag, NULL, NULL },
    { "ngx_http_access_module", ngx_string("allow"),
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
    header->file = cf->conf_file->file.name.data;
    header->line = cf->conf_file->line;

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
