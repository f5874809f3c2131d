-- Copyright (C) ngx_aws_sigv4_module authors
--
-- SPDX-License-Identifier: BSD-2-Clause

-- Files that are data, and that are looked at again while nginx runs: the
-- table of models, the callers, the keys of targets.
--
--     text, err = file.read(path, limit)
--         the bytes of a file of at most `limit` bytes; `err` begins with
--         the path, as all errors here do
--
--     value, err = file.load(path)
--         the table that a file of Lua text returns.  It runs with an empty
--         environment, without methods of strings, and for a limited number
--         of instructions.  "FILE:3: unexpected symbol near '='"
--
--     watch, err = file.watch(path, parse, what)
--         loads and parses at once: call it from init_by_lua, so that what
--         is wrong at the start is an error of the start, and files that
--         only root can read are read.  parse(value) returns what get()
--         will, or nil and an error of one line, to which the path is added:
--         "FILE: models.x[2].regoin: unknown field".  `what`, such as
--         "table", is for the log.
--
--     value, generation = watch:get()
--         looks at the file at most once a second.  If its content is
--         another and good, it is parsed and `generation` is one more.  If
--         it is not good, the value stays as it is, with one line in the
--         log: "llm: table FILE:3: ..., the old one stays".


local ngx = ngx
local load = load
local type = type
local pcall = pcall
local error = error
local jit_off = jit.off
local setmetatable = setmetatable
local getmetatable = getmetatable
local open = io.open
local sethook = debug.sethook
local gsub = string.gsub
local sub = string.sub


local MAX_SIZE = 4 * 1024 * 1024
local MAX_STEPS = 10 * 1000 * 1000
local MAX_ERROR = 300
local INTERVAL = 1


local _M = { version = "0.1.0" }
local mt = { __index = _M }


-- one line, whatever a file makes an error say

local function one_line(text)
    return sub(gsub(text, "%c", " "), 1, MAX_ERROR)
end


function _M.read(path, limit)
    local f, err = open(path, "rb")
    if not f then
        return nil, err
    end

    -- one more than the limit shows what is too large
    local text, reason = f:read(limit + 1)
    f:close()

    if reason then
        return nil, path .. ": " .. reason
    end

    if text and #text > limit then
        return nil, path .. ": larger than " .. limit .. " bytes"
    end

    return text or ""
end


local function too_long()
    sethook()
    error("runs too long", 2)
end


-- compiled code would not be counted, and the methods of strings are reached
-- without any name: "("x"):rep(1e9)"

local function run(chunk)
    local strings = getmetatable("")
    local index = strings.__index

    jit_off(chunk, true)

    strings.__index = nil
    sethook(too_long, "", MAX_STEPS)

    local ok, value = pcall(chunk)

    sethook()
    strings.__index = index

    return ok, value
end


local function evaluate(path, text)
    -- without a name of its own the position is ":3:", never cut short
    local chunk, err = load(text, "=", "t", {})
    if not chunk then
        return nil, path .. (sub(err, 1, 1) == ":" and one_line(err)
                             or ": is no text")
    end

    local ok, value = run(chunk)

    if not ok then
        return nil, path .. (type(value) == "string" and one_line(value)
                             or ": failed")
    end

    if type(value) ~= "table" then
        return nil, path .. ": returns no table"
    end

    return value
end


function _M.load(path)
    local text, err = _M.read(path, MAX_SIZE)
    if not text then
        return nil, err
    end

    return evaluate(path, text)
end


local function parse(self, text)
    local value, err = evaluate(self.path, text)
    if not value then
        return nil, err
    end

    value, err = self.parse(value)
    if not value then
        return nil, self.path .. ": " .. one_line(err)
    end

    return value
end


function _M.watch(path, parser, what)
    if type(path) ~= "string" or type(parser) ~= "function" then
        error("bad argument: a path and a function are expected", 2)
    end

    local text, err = _M.read(path, MAX_SIZE)
    if not text then
        return nil, err
    end

    local self = setmetatable({
        path = path,
        parse = parser,
        what = what or "file",
        text = text,
        generation = 1,
        looked = ngx.now(),
    }, mt)

    self.value, err = parse(self, text)
    if not self.value then
        return nil, err
    end

    return self
end


-- the same complaint is made once, not every second

local function complain(self, err)
    if err ~= self.complaint then
        self.complaint = err
        ngx.log(ngx.ERR, "llm: ", self.what, " ", err,
                ", the old one stays")
    end
end


local function look(self)
    local text, err = _M.read(self.path, MAX_SIZE)
    if not text then
        self.text = nil
        return complain(self, err)
    end

    if text == self.text then
        return
    end

    self.text = text

    local value
    value, err = parse(self, text)
    if not value then
        return complain(self, err)
    end

    self.value = value
    self.complaint = nil
    self.generation = self.generation + 1

    ngx.log(ngx.NOTICE, "llm: ", self.what, " ", self.path, " loaded")
end


function _M:get()
    local now = ngx.now()

    -- a clock that was set back must not stop it
    if now - self.looked >= INTERVAL or now < self.looked then
        self.looked = now
        look(self)
    end

    return self.value, self.generation
end


return _M
