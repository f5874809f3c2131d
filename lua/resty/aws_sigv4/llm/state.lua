-- Copyright (C) ngx_aws_sigv4_module authors
--
-- SPDX-License-Identifier: BSD-2-Clause

-- What is known of a request while it goes from location to location, where
-- ngx.ctx is lost at each jump.
--
--     s = state.new(dialect)
--     s = state.get()          nil before state.new()
--     state.put(s)             makes s the state of this request
--
-- $llm_state holds a number, and the table is kept by the ngx.ctx of the
-- location where it was made: nginx gives that up with the request, whatever
-- becomes of it, and never before its log phase.
--
-- Fields that others may read:
--
--     dialect    "openai", "anthropic" or "bedrock"
--     operation  "chat", "messages", "converse" …: see routes.lua
--     alias      as the client named it
--     stream     whether the client asked for a stream
--     target     of the attempt that is under way: see target.lua
--     index      its number, from 1; 0 before the first
--     targets    those to try, in order
--     caller     name of the caller, where callers are checked
--     metered    whether the caller has a limit of tokens
--     unasked    whether the attempt asked for usage that the client did not
--                ask for


local ngx = ngx
local setmetatable = setmetatable
local tonumber = tonumber


local _M = { version = "0.1.0" }


local requests = setmetatable({}, { __mode = "v" })
local last = 0


function _M.get()
    return requests[tonumber(ngx.var.llm_state)]
end


function _M.put(s)
    -- exact in a double for longer than any worker lives
    last = last + 1

    requests[last] = s
    ngx.ctx.llm_state = s
    ngx.var.llm_state = last
end


function _M.new(dialect)
    local s = { dialect = dialect, index = 0, stream = false }

    _M.put(s)

    return s
end


return _M
