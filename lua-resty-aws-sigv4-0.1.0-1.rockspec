-- SPDX-License-Identifier: BSD-2-Clause

rockspec_format = "3.0"
package = "lua-resty-aws-sigv4"
version = "0.1.0-1"

source = {
    url = ".",
}

description = {
    summary = "AWS Signature Version 4 for OpenResty",
    detailed = [[
        Signs what nginx proxies and what Lua code sends, and presigns URLs,
        through ngx_http_aws_sigv4_module.
    ]],
    license = "BSD-2-Clause",
}

dependencies = {
    "lua == 5.1",
}

build = {
    type = "builtin",
    modules = {
        ["resty.aws_sigv4"] = "lua/resty/aws_sigv4.lua",
    },
}
