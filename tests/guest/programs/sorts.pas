{ Compiled by Free Pascal's own compiler, which is a static program. }
program sorts;
type
  list = array of longint;
procedure sort(var a: list; l, r: longint);
var
  i, j, p, t: longint;
begin
  i := l; j := r; p := a[(l + r) div 2];
  repeat
    while a[i] < p do inc(i);
    while a[j] > p do dec(j);
    if i <= j then begin
      t := a[i]; a[i] := a[j]; a[j] := t;
      inc(i); dec(j);
    end;
  until i > j;
  if l < j then sort(a, l, j);
  if i < r then sort(a, i, r);
end;
var
  a: list;
  i: longint;
  s: ansistring;
begin
  setlength(a, 1000);
  for i := 0 to 999 do a[i] := (i * 7919) mod 1009;
  sort(a, 0, 999);
  str(a[500]: 6, s);
  writeln(s, ' ', a[0], ' ', a[999], ' ', sqrt(2.0): 0: 12);
end.
