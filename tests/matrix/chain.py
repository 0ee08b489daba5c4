#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""chain.py LANGUAGE: prints a program in it whose main calls link_40, which calls link_39, and so
on down to link_1, which computes, partly in the language's library. It says "ready PID" and runs
for the seconds of its argument, or 60; C, C++ and Rust also print "link_1 ADDRESS".

Every frame has a name of its own, so that a lost or repeated one shows. Five shapes of frames take
turns where the language has them."""
import sys

LINKS = 40


def text(head, first, shapes, tail):
    parts = [head, first]
    for n in range(2, LINKS + 1):
        parts.append(shapes[n % len(shapes)].replace("@M", str(n - 1)).replace("@N", str(n)))
    return "".join(parts) + tail.replace("@N", str(LINKS))


C = text("""
#include <alloca.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#ifdef __clang__
#define LINK __attribute__((noinline, used))
#else
#define LINK __attribute__((noinline, noclone, no_icf, used))
#endif
#define KEEP(x) __asm__ volatile("" : "+r"(x) : : "memory")
static volatile int zero;
static int compare(const void *a, const void *b) { return *(const int *)a - *(const int *)b; }
""", """
static LINK long link_1(long x)
{
	char room[1000];
	int v[100];
	for (int i = 0; i < 60000; i++) { x = x * 6364136223846793005 + 1442695040888963407; KEEP(x); }
	for (int i = 0; i < 100; i++) { v[i] = (i * 37 + x) & 127; }
	qsort(v, 100, sizeof(v[0]), compare);
	memset(room, v[5], sizeof(room));
	room[sizeof(room) - 1] = 0;
	x += strlen(room) + snprintf(room, sizeof(room), "%d %.3f", v[7], v[8] / 3.0) + strtol(room, NULL, 10);
	void *p = malloc(100 + v[3]);
	KEEP(p);
	free(p);
	return x;
}
""", ["""
static LINK long link_@N(long x) { long y = link_@M(x + @N); KEEP(y); return y + 1; }
""", """
static LINK long link_@N(long x)
{
	char *room = alloca(16 + (x & 31)), y[@N + zero];
	memset(room, 1, 16);
	memset(y, 2, @N);
	long z = link_@M(x + y[zero]);
	KEEP(room);
	return z + room[0];
}
""", """
static LINK long link_@N(long x)
{
	char room[64] __attribute__((aligned(64)));
	memset(room, x, 64);
	KEEP(x);
	long y = link_@M(x + room[zero]);
	return y + room[1 + zero];
}
""", """
static LINK long link_@N(long x)
{
	long a = x * 3, b = x * 5, c = x * 7, d = x * 11, e = x * 13;
	KEEP(a); KEEP(b); KEEP(c); KEEP(d); KEEP(e);
	long y = link_@M(x + a);
	return y + a + b + c + d + e;
}
""", """
static LINK long link_@N(int n, ...);
static LINK long link_@N(int n, ...)
{
	va_list list;
	va_start(list, n);
	long x = va_arg(list, long), room[40];
	va_end(list);
	room[n] = x;
	KEEP(x);
	return link_@M(room[n]) + room[n + zero];
}
"""], """
int main(int argc, char **argv)
{
	time_t end = time(NULL) + (argc > 1 ? atoi(argv[1]) : 60);
	long x = 1;
	printf("link_1 %p\\n", (void *)link_1);
	printf("ready %d\\n", getpid());
	fflush(stdout);
	while (time(NULL) < end) { x = link_@N(x); KEEP(x); }
	return 0;
}
""")
# The fifth shape takes its argument behind a count.
for n in range(2, LINKS + 1):
    if n % 5 == 4:
        C = C.replace("link_%d(x" % n, "link_%d(1, x" % n).replace("link_%d(room" % n, "link_%d(1, room" % n)


CXX = text("""
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <map>
#include <stdexcept>
#include <string>
#include <unistd.h>
#include <vector>
#define LINK __attribute__((noinline))
#define KEEP(x) __asm__ volatile("" : "+r"(x) : : "memory")
template <int N> struct links { static long call(long x); };
struct base { virtual long run(long x) = 0; virtual ~base() {} };
struct held { std::string s; LINK held(long x) : s(std::to_string(x)) {} LINK ~held() {} };
""", """
static LINK long thrower(int depth, long x)
{
	held h(x);
	if (depth == 0) throw std::runtime_error(h.s);
	long y = thrower(depth - 1, x);
	KEEP(y);
	return y;
}
template <> LINK long links<1>::call(long x)
{
	for (int i = 0; i < 60000; i++) { x = x * 6364136223846793005 + 1442695040888963407; KEEP(x); }
	std::map<std::string, long> m;
	std::vector<long> v;
	for (int i = 0; i < 30; i++) { m[std::to_string((i * 7919 + x) % 100)] = i; v.push_back(i * 7919 % 31); }
	std::sort(v.begin(), v.end(), [&](long a, long b) { return a * 3 < b * 3; });
	try { x += thrower(3, x & 7); } catch (const std::exception &e) { x += e.what()[0]; }
	return x + v[3] + m.size();
}
""", ["""
template <> LINK long links<@N>::call(long x) { long y = links<@M>::call(x + @N); KEEP(y); return y + 1; }
""", """
template <> LINK long links<@N>::call(long x)
{
	held h(@N);
	long y = links<@M>::call(x);
	return y + h.s.size();
}
""", """
struct derived_@N : base { LINK long run(long x) override { long y = links<@M>::call(x); KEEP(y); return y; } };
template <> LINK long links<@N>::call(long x)
{
	base *b = new derived_@N;
	KEEP(b);
	long y = b->run(x);
	delete b;
	return y;
}
""", """
template <> LINK long links<@N>::call(long x)
{
	std::function<long(long)> f = [&](long a) { long y = links<@M>::call(a + x); KEEP(y); return y; };
	long y = f(x);
	return y + 1;
}
"""], """
int main(int argc, char **argv)
{
	time_t end = time(NULL) + (argc > 1 ? atoi(argv[1]) : 60);
	long x = 1;
	printf("link_1 %p\\n", (void *)links<1>::call);
	printf("ready %d\\n", getpid());
	fflush(stdout);
	while (time(NULL) < end) { x = links<@N>::call(x); KEEP(x); }
}
""")

RUST = text("""
use std::collections::HashMap;
use std::hint::black_box;
use std::time::{Duration, Instant};
""", """
#[inline(never)]
fn link_1(mut x: u64) -> u64 {
    for _ in 0..60000 { x = black_box(x.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407)); }
    let mut m = HashMap::new();
    let mut v: Vec<u64> = (0..60).map(|i| (i * 7919 + x) % 101).collect();
    v.sort_by(|a, b| (a * 3).cmp(&(b * 3)));
    for i in &v { m.insert(format!("{}", i), *i); }
    black_box(m.len() as u64 + v[7] + x)
}
""", ["""
#[inline(never)]
fn link_@N(x: u64) -> u64 { black_box(link_@M(black_box(x + 1))) | 1 }
""", """
#[inline(never)]
fn link_@N(x: u64) -> u64 {
    let v = black_box([x; 1 + @N % 8]);
    let f: Box<dyn Fn(u64) -> u64> = black_box(Box::new(move |a| black_box(link_@M(a ^ v[0])) | 1));
    black_box(f(x)) | 1
}
"""], """
fn main() {
    let seconds = std::env::args().nth(1).and_then(|a| a.parse().ok()).unwrap_or(60);
    let end = Instant::now() + Duration::from_secs(seconds);
    println!("link_1 {:#x}", link_1 as *const () as usize);
    println!("ready {}", std::process::id());
    let mut x = 1;
    while Instant::now() < end { x = link_@N(x & 0xffff); }
    black_box(x);
}
""")

GO = text("""
package main

import (
	"fmt"
	"os"
	"sort"
	"strconv"
	"time"
)
""", """
//go:noinline
func link_1(x uint64) uint64 {
	for i := 0; i < 60000; i++ { x = x*6364136223846793005 + 1442695040888963407 }
	v := make([]int, 60)
	for i := range v { v[i] = (i*7919 + int(x&1023)) % 101 }
	sort.Slice(v, func(a, b int) bool { return v[a] < v[b] })
	m := map[string]int{}
	for _, i := range v { m[strconv.Itoa(i)] = i }
	return x + uint64(len(m))
}
""", ["""
//go:noinline
func link_@N(x uint64) uint64 { return link_@M(x+@N) + 1 }
""", """
//go:noinline
func link_@N(x uint64) uint64 {
	var room [@N]uint64
	room[x%@N] = x
	f := func(a uint64) uint64 { return link_@M(a+room[1]) + 1 }
	return f(x) + room[2]
}
"""], """
func main() {
	seconds := 60
	if len(os.Args) > 1 { fmt.Sscan(os.Args[1], &seconds) }
	end := time.Now().Add(time.Duration(seconds) * time.Second)
	fmt.Println("ready", os.Getpid())
	x := uint64(1)
	for time.Now().Before(end) { x = link_@N(x) }
	fmt.Println(x)
}
""")

FORTRAN = text("""
module links
  implicit none
contains
""", """
  function link_1(x) result(y)
    integer(8), intent(in) :: x
    integer(8) :: y
    integer :: i
    real(8) :: a(12, 12), b(12, 12), c(12, 12)
    character(len=40) :: text
    y = x
    a = real(mod(x, 7_8), 8); b = 2.5
    do i = 1, 12
      c = matmul(a, b) + sin(real(i, 8) * a)
      a(i, 1) = c(1, i) / 1000
    end do
    write (text, '(i8, f10.3)') i, min(a(3, 1), 1000d0)
    y = mod(y + ichar(text(8:8)) + 1, 1000_8)
  end function
""", ["""
  function link_@N(x) result(y)
    integer(8), intent(in) :: x
    integer(8) :: y
    y = link_@M(x + 1)
    if (y == 0) y = link_@M(x + 2) + 1
  end function
""", """
  function link_@N(x) result(y)
    integer(8), intent(in) :: x
    integer(8) :: y, room(iand(x, 31_8) + 10)
    room = x
    y = link_@M(sum(room) / size(room)) + room(3)
  end function
"""], """
end module

program chain
  use links
  implicit none
  integer(8) :: x, now, rate, until, seconds
  character(len=20) :: argument
  seconds = 60
  if (command_argument_count() > 0) then
    call get_command_argument(1, argument)
    read (argument, *) seconds
  end if
  call system_clock(now, rate)
  until = now + seconds * rate
  print '(a, i0)', 'ready ', getpid()
  flush (6)
  x = 1
  do while (now < until)
    x = link_@N(x)
    call system_clock(now)
  end do
  print *, x
end program
""")

ADA = text("""
with Ada.Calendar; use Ada.Calendar;
with Ada.Command_Line;
with Ada.Strings.Unbounded; use Ada.Strings.Unbounded;
with Ada.Text_IO;
with Interfaces; use Interfaces;
procedure Chain is
   function Getpid return Integer with Import, Convention => C, External_Name => "getpid";
   function Failing (X : Unsigned_64) return Unsigned_64 is
   begin
      if X mod 3 = 0 then raise Constraint_Error; end if;
      return X;
   end Failing;
   pragma No_Inline (Failing);
""", """
   function Link_1 (V : Unsigned_64) return Unsigned_64 is
      X : Unsigned_64 := V;
      S : Unbounded_String;
   begin
      for I in 1 .. 60_000 loop
         X := X * 6364136223846793005 + 1442695040888963407;
      end loop;
      for I in 1 .. 40 loop
         Append (S, Integer'Image (I));
      end loop;
      begin
         X := Failing (X) + 1;
      exception
         when Constraint_Error => X := X + 2;
      end;
      return X + Unsigned_64 (Length (S));
   end Link_1;
   pragma No_Inline (Link_1);
""", ["""
   function Link_@N (V : Unsigned_64) return Unsigned_64 is
      Y : constant Unsigned_64 := Link_@M (V + 1);
   begin
      return Y + 1;
   end Link_@N;
   pragma No_Inline (Link_@N);
""", """
   function Link_@N (V : Unsigned_64) return Unsigned_64 is
      S : constant String (1 .. Integer (V mod 40) + 2) := (others => 'x');
      Y : constant Unsigned_64 := Link_@M (V + Unsigned_64 (S'Length));
   begin
      return Y + Character'Pos (S (2));
   end Link_@N;
   pragma No_Inline (Link_@N);
"""], """
   X : Unsigned_64 := 1;
   Until_When : Time := Clock + 60.0;
begin
   if Ada.Command_Line.Argument_Count > 0 then
      Until_When := Clock + Duration'Value (Ada.Command_Line.Argument (1) & ".0");
   end if;
   Ada.Text_IO.Put_Line ("ready" & Integer'Image (Getpid));
   Ada.Text_IO.Flush;
   while Clock < Until_When loop
      X := Link_@N (X);
   end loop;
   Ada.Text_IO.Put_Line (Unsigned_64'Image (X));
end Chain;
""")

D = text("""
import core.stdc.stdlib : atoi;
import core.time, std.algorithm, std.conv, std.process : thisProcessID;
import std.stdio;
""", """
pragma(inline, false) ulong link_1(ulong x)
{
	foreach (i; 0 .. 60000) x = x * 6364136223846793005 + 1442695040888963407;
	ulong[string] m;
	ulong[] v;
	foreach (i; 0 .. 40) { v ~= (i * 7919 + x) % 101; m[to!string(v[i])] = i; }
	sort!((a, b) => a * 3 < b * 3)(v);
	try { if (v[3] >= 0) throw new Exception("x"); } catch (Exception e) { x += e.msg.length; }
	return x + m.length + v[7];
}
""", ["""
pragma(inline, false) ulong link_@N(ulong x) { return link_@M(x + @N) + 1; }
""", """
pragma(inline, false) ulong link_@N(ulong x)
{
	ulong delegate(ulong) f = (ulong a) { return link_@M(a + x) + 1; };
	return f(x) + 1;
}
"""], """
void main(string[] arguments)
{
	auto end = MonoTime.currTime + dur!"seconds"(arguments.length > 1 ? to!int(arguments[1]) : 60);
	writeln("ready ", thisProcessID);
	stdout.flush();
	ulong x = 1;
	while (MonoTime.currTime < end) x = link_@N(x);
	writeln(x);
}
""")

OCAML = text("""
exception Odd of int
""", """
let link_1 x =
  let y = ref x in
  for _ = 1 to 60000 do y := !y * 636413622384679 + 1442695040888 done;
  let h = Hashtbl.create 16 in
  let l = List.init 60 (fun i -> (i * 7919 + (!y land 127)) mod 101) in
  List.iter (fun i -> Hashtbl.replace h (string_of_int i) i) (List.sort compare l);
  (try raise (Odd !y) with Odd n -> y := !y + (n land 1));
  !y + Hashtbl.length h
[@@inline never]
""", ["""
let link_@N x = 1 + link_@M (x + 1) [@@inline never]
""", """
let link_@N x =
  let f = Sys.opaque_identity (fun a -> 1 + link_@M (a + x)) in
  1 + f x
[@@inline never]
"""], """
let () =
  let seconds = if Array.length Sys.argv > 1 then float_of_string Sys.argv.(1) else 60.0 in
  let until = Unix.gettimeofday () +. seconds in
  Printf.printf "ready %d\\n%!" (Unix.getpid ());
  let x = ref 1 in
  while Unix.gettimeofday () < until do x := link_@N !x land 0xffff done;
  Printf.printf "%d\\n" !x
""")

HASKELL = text("""
module Main where
import Data.Bits
import Data.IORef
import Data.Int
import Foreign.Ptr
import System.Environment
import System.IO
foreign import ccall "unistd.h getpid" getpid :: IO Int32
foreign import ccall "time.h time" time :: Ptr () -> IO Int64
""", """
{-# NOINLINE link_1 #-}
link_1 :: Int -> Int
link_1 n = go n (60000 :: Int) + sum (map digits [1 .. 60])
  where
    go a k = if k == 0 then a else go (a * 636413622384679 + 1442695040888) (k - 1)
    digits i = length (show (i * n .&. 1023))
""", ["""
{-# NOINLINE link_@N #-}
link_@N :: Int -> Int
link_@N n = 1 + link_@M (n + 1)
"""], """
main :: IO ()
main = do
  arguments <- getArgs
  begin <- time nullPtr
  pid <- getpid
  putStrLn ("ready " ++ show pid)
  hFlush stdout
  sum <- newIORef 1
  let until = begin + (case arguments of { (a : _) -> read a; [] -> 60 })
      loop = do
        now <- time nullPtr
        if now >= until then readIORef sum >>= print else do
          modifyIORef' sum (\\x -> link_@N x .&. 0xffff)
          loop
  loop
""")

ASM_LINKS = text("", """
	.type link_1, @function
link_1:
	BEGIN
	mov $60000, %ecx
1:	imul $1664525, %rax, %rax
	add $1013904223, %rax
	dec %ecx
	jnz 1b
	END
	ret
	.size link_1, . - link_1
""", ["""
	.type link_@N, @function
link_@N:
	BEGIN
	call link_@M
	add $1, %rax
	END
	ret
	.size link_@N, . - link_@N
"""], "")
# No unwind information at all, and no C library: clock_gettime and write are system calls.
ASM = """
#ifdef FRAME_POINTERS
#define BEGIN push %rbp; mov %rsp, %rbp; push %rbx; sub $24, %rsp
#define END add $24, %rsp; pop %rbx; pop %rbp
#else
#define BEGIN push %rbx; sub $32, %rsp
#define END add $32, %rsp; pop %rbx
#endif
	.text
""" + ASM_LINKS + """
	.globl _start
	.type _start, @function
_start:
	xor %ebp, %ebp
	mov $1, %eax
	mov $1, %edi
	lea ready(%rip), %rsi
	mov $6, %edx
	syscall
	mov $60000, %ebx
2:	call link_40
	dec %ebx
	jnz 2b
	mov $60, %eax
	xor %edi, %edi
	syscall
	.size _start, . - _start
ready:	.ascii "ready\\n"
	.section .note.GNU-stack,"",@progbits
"""

LANGUAGES = {"c": C, "c++": CXX, "rust": RUST, "go": GO, "fortran": FORTRAN, "ada": ADA, "d": D,
             "ocaml": OCAML, "haskell": HASKELL, "asm": ASM}
sys.stdout.write(LANGUAGES[sys.argv[1]])
