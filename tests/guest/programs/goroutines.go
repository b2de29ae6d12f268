// Goroutines, channels, maps, locks, timers, a garbage collector under pressure, and a nil pointer that is caught: what
// Go's run time asks of threads, signals, futexes and memory. Prints the same however the goroutines interleave.
package main

import (
	"fmt"
	"runtime"
	"sort"
	"sync"
	"time"
)

type node struct {
	left, right *node
	v           int
}

func tree(d int) *node {
	if d == 0 {
		return &node{v: 1}
	}
	return &node{tree(d - 1), tree(d - 1), d}
}

func (n *node) sum() int {
	if n == nil {
		return 0
	}
	return n.v + n.left.sum() + n.right.sum()
}

func main() {
	ch := make(chan int)
	var wg sync.WaitGroup
	var mu sync.Mutex
	seen := map[int]int{}
	for i := 0; i < 50; i++ {
		wg.Add(1)
		go func(i int) {
			defer wg.Done()
			for j := 0; j < 20; j++ {
				ch <- i * j
			}
			mu.Lock()
			seen[i]++
			mu.Unlock()
		}(i)
	}
	go func() { wg.Wait(); close(ch) }()
	t, n := 0, 0
	for v := range ch {
		t += v
		n++
	}
	fmt.Println(t, n, len(seen))
	s := 0
	for i := 0; i < 20; i++ {
		s += tree(12).sum()
	}
	runtime.GC() // one that has ended, however the others came to run
	var ms runtime.MemStats
	runtime.ReadMemStats(&ms)
	fmt.Println(s, ms.NumGC > 0)
	var ks []int
	m := map[string]int{}
	for i := 0; i < 10000; i++ {
		m[fmt.Sprint(i)] = i
	}
	for _, v := range m {
		ks = append(ks, v)
	}
	sort.Ints(ks)
	fmt.Println(ks[:5], len(ks))
	select {
	case <-time.After(10 * time.Millisecond):
		fmt.Println("timeout")
	case <-make(chan int):
	}
	func() {
		defer func() { fmt.Println("recovered:", recover()) }()
		var p *node
		fmt.Println(p.v)
	}()
}
