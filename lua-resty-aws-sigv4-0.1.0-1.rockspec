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
        through ngx_http_aws_sigv4_module.  With a gateway to LLMs for clients
        of OpenAI, Anthropic and AWS.
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
        ["resty.aws_sigv4.abi"] = "lua/resty/aws_sigv4/abi.lua",
        ["resty.aws_sigv4.choice"] = "lua/resty/aws_sigv4/choice.lua",
        ["resty.aws_sigv4.llm"] = "lua/resty/aws_sigv4/llm.lua",
        ["resty.aws_sigv4.llm.answer"] = "lua/resty/aws_sigv4/llm/answer.lua",
        ["resty.aws_sigv4.llm.attempt"] = "lua/resty/aws_sigv4/llm/attempt.lua",
        ["resty.aws_sigv4.llm.bodies"] = "lua/resty/aws_sigv4/llm/bodies.lua",
        ["resty.aws_sigv4.llm.body"] = "lua/resty/aws_sigv4/llm/body.lua",
        ["resty.aws_sigv4.llm.caller"] = "lua/resty/aws_sigv4/llm/caller.lua",
        ["resty.aws_sigv4.llm.callers"] = "lua/resty/aws_sigv4/llm/callers.lua",
        ["resty.aws_sigv4.llm.causes"] = "lua/resty/aws_sigv4/llm/causes.lua",
        ["resty.aws_sigv4.llm.checks"] = "lua/resty/aws_sigv4/llm/checks.lua",
        ["resty.aws_sigv4.llm.codes"] = "lua/resty/aws_sigv4/llm/codes.lua",
        ["resty.aws_sigv4.llm.cost"] = "lua/resty/aws_sigv4/llm/cost.lua",
        ["resty.aws_sigv4.llm.edits"] = "lua/resty/aws_sigv4/llm/edits.lua",
        ["resty.aws_sigv4.llm.endpoints"] =
            "lua/resty/aws_sigv4/llm/endpoints.lua",
        ["resty.aws_sigv4.llm.errors"] = "lua/resty/aws_sigv4/llm/errors.lua",
        ["resty.aws_sigv4.llm.estimate"] =
            "lua/resty/aws_sigv4/llm/estimate.lua",
        ["resty.aws_sigv4.llm.eventstream"] =
            "lua/resty/aws_sigv4/llm/eventstream.lua",
        ["resty.aws_sigv4.llm.file"] = "lua/resty/aws_sigv4/llm/file.lua",
        ["resty.aws_sigv4.llm.foreign"] = "lua/resty/aws_sigv4/llm/foreign.lua",
        ["resty.aws_sigv4.llm.head"] = "lua/resty/aws_sigv4/llm/head.lua",
        ["resty.aws_sigv4.llm.hold"] = "lua/resty/aws_sigv4/llm/hold.lua",
        ["resty.aws_sigv4.llm.keys"] = "lua/resty/aws_sigv4/llm/keys.lua",
        ["resty.aws_sigv4.llm.limits"] = "lua/resty/aws_sigv4/llm/limits.lua",
        ["resty.aws_sigv4.llm.models"] = "lua/resty/aws_sigv4/llm/models.lua",
        ["resty.aws_sigv4.llm.quoting"] = "lua/resty/aws_sigv4/llm/quoting.lua",
        ["resty.aws_sigv4.llm.request"] = "lua/resty/aws_sigv4/llm/request.lua",
        ["resty.aws_sigv4.llm.routes"] = "lua/resty/aws_sigv4/llm/routes.lua",
        ["resty.aws_sigv4.llm.scan"] = "lua/resty/aws_sigv4/llm/scan.lua",
        ["resty.aws_sigv4.llm.sse"] = "lua/resty/aws_sigv4/llm/sse.lua",
        ["resty.aws_sigv4.llm.state"] = "lua/resty/aws_sigv4/llm/state.lua",
        ["resty.aws_sigv4.llm.table"] = "lua/resty/aws_sigv4/llm/table.lua",
        ["resty.aws_sigv4.llm.target"] = "lua/resty/aws_sigv4/llm/target.lua",
        ["resty.aws_sigv4.llm.unasked"] = "lua/resty/aws_sigv4/llm/unasked.lua",
        ["resty.aws_sigv4.llm.upstream"] =
            "lua/resty/aws_sigv4/llm/upstream.lua",
        ["resty.aws_sigv4.llm.usage"] = "lua/resty/aws_sigv4/llm/usage.lua",
        ["resty.aws_sigv4.providers"] = "lua/resty/aws_sigv4/providers.lua",
        ["resty.aws_sigv4.sign"] = "lua/resty/aws_sigv4/sign.lua",
    },
}
