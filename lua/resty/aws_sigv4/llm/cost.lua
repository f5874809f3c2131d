-- Copyright (C) ngx_aws_sigv4_module authors
--
-- SPDX-License-Identifier: BSD-2-Clause

-- What an answer took, for logs and for the limit of the caller.
--
--     cost.log(s, answer)     in the log phase; `answer` is what head.lua made,
--                             nil where no answer came


local callers = require "resty.aws_sigv4.llm.callers"
local estimate = require "resty.aws_sigv4.llm.estimate"
local upstream = require "resty.aws_sigv4.llm.upstream"


local ngx = ngx
local format = string.format
local max = math.max


local _M = { version = "0.1.0" }


local FREE = { ["count_tokens"] = true, ["count-tokens"] = true }

local CLIENT_CLOSED = 499


local function number(value)
    return value and format("%d", value) or "-"
end


-- What to charge: an answer that was not read to its end, or that tells no
-- usage, by what is known and by what has come of it.

local function cost(s, tap, prompt, completion)
    if tap.text and not FREE[s.operation] then
        if not completion or not tap:has_ended() then
            completion = max(completion or 0, estimate.output(tap.text.bytes))
        end

        prompt = prompt or estimate.prompt()
    end

    return (prompt or 0) + (completion or 0)
end


-- The model has read its request: the client hung up before an answer came, or
-- the answer is one that nobody here can read, such as one that is compressed.

local function charge_asked(s, a)
    if s.metered and s.target and not s.unsent and not FREE[s.operation]
       and upstream.was_asked()
       and (a and a.mode == "pass" or not a and ngx.status == CLIENT_CLOSED)
    then
        callers.charge(s, estimate.prompt())
    end
end


function _M.log(s, a)
    local tap = a and a.tap

    if not tap then
        return charge_asked(s, a)
    end

    local var = ngx.var
    local prompt, completion, cached = tap:finish()

    var.llm_prompt_tokens = number(prompt)
    var.llm_completion_tokens = number(completion)
    var.llm_cached_tokens = number(cached)

    local tokens = cost(s, tap, prompt, completion)

    if tokens > 0 then
        callers.charge(s, tokens)
    end
end


return _M
