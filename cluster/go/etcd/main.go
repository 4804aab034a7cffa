// Command etcd is etcd's own server, linked at the versions that Kubernetes' client of it is built with, so that both
// programs share their compiled packages.
package main

import (
	"os"

	"go.etcd.io/etcd/server/v3/etcdmain"
)

func main() {
	etcdmain.Main(os.Args)
}
