-- A tour of Lua: closures, metatables, coroutines, string patterns, sorting, numbers, GC, files.
-- arg[1] is a text file to count words in.

local Account = {}
Account.__index = Account
Account.__add = function(a, b) return Account.new(a.balance + b.balance) end
Account.__tostring = function(a) return ("Account(%.2f)"):format(a.balance) end
Account.__lt = function(a, b) return a.balance < b.balance end

function Account.new(balance) return setmetatable({ balance = balance }, Account) end

function Account:deposit(sum)
  if sum <= 0 then error("a deposit is positive: " .. sum, 2) end
  self.balance = self.balance + sum
end

local a, b = Account.new(10), Account.new(32.5)
a:deposit(0.25)
print(a, b, a + b, a < b)
print(select(2, pcall(a.deposit, a, -1)))

-- Words of a file, the most frequent first.
local function frequencies(path)
  local count, order = {}, {}
  for line in io.lines(path) do
    for word in line:gmatch("%a+") do
      word = word:lower()
      if not count[word] then order[#order + 1] = word end
      count[word] = (count[word] or 0) + 1
    end
  end
  table.sort(order, function(x, y)
    if count[x] ~= count[y] then return count[x] > count[y] end
    return x < y
  end)
  return order, count
end

local order, count = frequencies(arg[1])
print(#order)
for i = 1, 15 do print(i, order[i], count[order[i]]) end

-- Coroutines: permutations, and a sieve as a chain of filters.
local function permutations(list)
  local function permute(n)
    if n == 0 then coroutine.yield(table.concat(list, " ")) end
    for i = 1, n do
      list[i], list[n] = list[n], list[i]
      permute(n - 1)
      list[i], list[n] = list[n], list[i]
    end
  end
  return coroutine.wrap(function() permute(#list) end)
end
local seen = 0
for p in permutations({ "a", "b", "c", "d", "e", "f" }) do
  seen = seen + 1
  if seen % 100 == 0 then print(seen, p) end
end

local function filter(p, source)
  return coroutine.wrap(function()
    for n in source do
      if n % p ~= 0 then coroutine.yield(n) end
    end
  end)
end
local source = coroutine.wrap(function()
  for n = 2, 400 do coroutine.yield(n) end
end)
local primes = {}
while true do
  local p = source()
  if not p then break end
  primes[#primes + 1] = p
  source = filter(p, source)
end
print(#primes, primes[#primes])

-- Numbers: integers wrap, floats print in full, the two divide differently.
print(math.maxinteger + 1 == math.mininteger, 7 // 2, -7 // 2, 7 % -3, 7 / 2, 2 ^ 0.5)
print(string.format("%.17g %a %e %5.1f", math.pi, 1 / 3, 12345.678, -0.05))
for _, f in ipairs({ "sin", "cos", "tan", "exp", "sqrt", "atan" }) do
  io.write(f, " ", ("%.12g"):format(math[f](1.25)), "\n")
end
print(0x7fffffff << 33, 1 << 63, ~0 >> 60, 5 & 6 | 8 ~ 1)

-- Strings.
print(("the quick brown fox"):gsub("%w+", function(w) return w:sub(1, 1):upper() .. w:sub(2) end))
print(("key = value # comment"):match("^(%w+)%s*=%s*(%w+)"))
print(string.pack("<i4 z s2", 77, "zero", "counted"):byte(1, -1))
print(utf8.len("grüße"), utf8.char(0x20ac, 0x1f600))

-- Garbage: a weak table forgets what is not held.
local weak = setmetatable({}, { __mode = "v" })
for i = 1, 20000 do weak[i % 50] = { i, tostring(i) } end
collectgarbage()
print(next(weak), collectgarbage("count") < 4096)

-- load() and upvalues.
local counter = load("local n = 0; return function() n = n + 1; return n end")()
counter()
print(counter(), load("syntax error here"))
