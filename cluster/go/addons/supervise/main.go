// Command supervise keeps a set of programs running: it is process 1 of every node, and the parent of the control
// plane. It starts what its configuration lists, starts again what ends (waiting longer each time), reaps orphans, and on
// SIGTERM stops everything, last started first.
//
// It is a program of its own, and not Python, because a node's process 1 must survive whatever happens to the shell,
// virtual environment or terminal that `localkube up` was typed into. The children die with it: what it started can
// never outlive it.
package main

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
	"time"
)

const (
	firstPause   = 250 * time.Millisecond
	longestPause = 10 * time.Second
	healthyAfter = 10 * time.Second
	stopWithin   = 3 * time.Second
	logLimit     = 64 << 20
)

type program struct {
	Name string   `json:"name"`
	Args []string `json:"args"`
	Env  []string `json:"env"`
	// WaitFor is a Unix socket ("/run/x.sock") or a TCP address ("127.0.0.1:2379") that must answer before the start.
	WaitFor string `json:"wait_for"`
}

type configuration struct {
	LogDir   string    `json:"log_dir"`
	RunDir   string    `json:"run_dir"`
	Programs []program `json:"programs"`
}

type child struct {
	program
	pid       int
	startedAt time.Time
	nextAt    time.Time
	pause     time.Duration
}

func main() {
	// A child's parent-death signal is tied to the thread that started it, so that thread must be the one that lives.
	runtime.LockOSThread()
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: supervise CONFIGURATION.json")
		os.Exit(2)
	}
	config, err := read(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, "supervise:", err)
		os.Exit(1)
	}
	supervise(config)
}

func read(path string) (configuration, error) {
	var config configuration
	text, err := os.ReadFile(path)
	if err != nil {
		return config, err
	}
	if err := json.Unmarshal(text, &config); err != nil {
		return config, fmt.Errorf("%s: %w", path, err)
	}
	for _, dir := range []string{config.LogDir, config.RunDir} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return config, err
		}
	}
	return config, nil
}

func supervise(config configuration) {
	signals := make(chan os.Signal, 64)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGCHLD)
	children := make([]*child, len(config.Programs))
	for i, p := range config.Programs {
		children[i] = &child{program: p, pause: firstPause}
	}
	for {
		wait := startDue(config, children)
		select {
		case received := <-signals:
			if received == syscall.SIGCHLD {
				reap(config, children)
				continue
			}
			stop(config, children)
			return
		case <-time.After(wait):
		}
	}
}

// startDue starts every program whose time has come and returns how long to wait before looking again.
func startDue(config configuration, children []*child) time.Duration {
	wait := time.Hour
	for _, c := range children {
		if c.pid != 0 {
			continue
		}
		due := time.Until(c.nextAt)
		if due <= 0 && !answers(c.WaitFor) {
			due = 50 * time.Millisecond
		}
		if due <= 0 {
			due = start(config, c)
		}
		if due > 0 {
			wait = min(wait, due)
		}
	}
	return wait
}

func answers(address string) bool {
	if address == "" {
		return true
	}
	network := "tcp"
	if filepath.IsAbs(address) {
		network = "unix"
	}
	connection, err := net.DialTimeout(network, address, time.Second)
	if err != nil {
		return false
	}
	connection.Close()
	return true
}

// start returns zero when the program runs, else how long to wait before the next attempt.
func start(config configuration, c *child) time.Duration {
	log, err := openLog(filepath.Join(config.LogDir, c.Name+".log"))
	if err != nil {
		fmt.Fprintln(os.Stderr, "supervise:", err)
		return longestPause
	}
	defer log.Close()
	command := exec.Command(c.Args[0], c.Args[1:]...)
	command.Env = append(os.Environ(), c.Env...)
	command.Stdout, command.Stderr = log, log
	command.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL}
	if err := command.Start(); err != nil {
		fmt.Fprintf(log, "supervise: cannot start %s: %v\n", c.Name, err)
		return longestPause
	}
	c.pid, c.startedAt = command.Process.Pid, time.Now()
	writePid(config, c)
	return 0
}

// openLog keeps one older log, so that a program which talks for weeks cannot fill the disk.
func openLog(path string) (*os.File, error) {
	if info, err := os.Stat(path); err == nil && info.Size() > logLimit {
		if err := os.Rename(path, path+".1"); err != nil {
			return nil, err
		}
	}
	return os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
}

func writePid(config configuration, c *child) {
	path := filepath.Join(config.RunDir, c.Name+".pid")
	if c.pid == 0 {
		os.Remove(path)
	} else if err := os.WriteFile(path, []byte(strconv.Itoa(c.pid)+"\n"), 0o644); err != nil {
		fmt.Fprintln(os.Stderr, "supervise:", err)
	}
}

// reap collects every ended process: the programs, and (as process 1) whatever was orphaned in this pid namespace.
func reap(config configuration, children []*child) {
	for {
		pid, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil)
		if err == syscall.EINTR {
			continue
		}
		if pid <= 0 {
			return
		}
		for _, c := range children {
			if c.pid == pid {
				ended(config, c)
			}
		}
	}
}

func ended(config configuration, c *child) {
	if time.Since(c.startedAt) > healthyAfter {
		c.pause = firstPause
	}
	c.pid, c.nextAt = 0, time.Now().Add(c.pause)
	c.pause = min(c.pause*2, longestPause)
	writePid(config, c)
}

func stop(config configuration, children []*child) {
	for i := len(children) - 1; i >= 0; i-- {
		c := children[i]
		if c.pid == 0 {
			continue
		}
		syscall.Kill(c.pid, syscall.SIGTERM)
		for deadline := time.Now().Add(stopWithin); c.pid != 0; {
			if time.Now().After(deadline) {
				syscall.Kill(c.pid, syscall.SIGKILL)
				deadline = time.Now().Add(time.Minute)
			}
			time.Sleep(10 * time.Millisecond)
			reap(config, children)
		}
	}
}
