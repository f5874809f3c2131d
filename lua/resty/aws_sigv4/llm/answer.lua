-- Copyright (C) ngx_aws_sigv4_module authors
--
-- SPDX-License-Identifier: BSD-2-Clause

-- What the client gets: the answer as it came, byte for byte and when it
-- came, but for
--
--     errors whose body is not in the shape of the caller's API
--     event streams of InvokeModel, which become events of Anthropic's API
--     streams that broke off, which end with one error event
--
-- and how many tokens it took, in the variables of the log.
--
--     answer.header(s), answer.body(s), answer.log(s)
--         in their phases, for the state of the request
--
-- The status of an error is sent before its body has come, and so follows
-- from the upstream's status and its x-amzn-errortype alone.  That of 200
-- waits: see hold.lua.


local bodies = require "resty.aws_sigv4.llm.bodies"
local cost = require "resty.aws_sigv4.llm.cost"
local head = require "resty.aws_sigv4.llm.head"


local ngx = ngx


local _M = { version = "0.1.0" }


function _M.header(s)
    local ctx = ngx.ctx

    if not ctx.llm_error_sent and not ngx.is_subrequest then
        ctx.llm_answer = head.filter(s)
    end
end


function _M.body(s)
    local a = ngx.ctx.llm_answer

    return a and bodies.filter(s, a)
end


function _M.log(s)
    return cost.log(s, ngx.ctx.llm_answer)
end


return _M
