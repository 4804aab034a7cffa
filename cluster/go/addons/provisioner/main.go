// Command provisioner makes volumes for claims, as directories on the machine that all of a localkube's nodes run on.
//
// It runs beside the control plane, where it sees every node's directory, so it needs no helper pods. The class parameter
// `placement` says which kind: "node" volumes belong to the node the pod was scheduled to, as a local disk does; "shared"
// volumes are seen by every node, as a network file system is, and so may be mounted by many.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/klog/v2"
	"sigs.k8s.io/sig-storage-lib-external-provisioner/v13/controller"
)

const name = "localkube/directories"

type directories struct {
	state string
}

func main() {
	kubeconfig := flag.String("kubeconfig", "", "how to reach the API server")
	state := flag.String("state", "", "state directory of the cluster")
	flag.Parse()
	if err := run(*kubeconfig, *state); err != nil {
		fmt.Fprintln(os.Stderr, "provisioner:", err)
		os.Exit(1)
	}
}

func run(kubeconfig, state string) error {
	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer cancel()
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	ctx = klog.NewContext(ctx, klog.Background())
	controller.NewProvisionController(
		ctx, client, name, &directories{state: state}, controller.LeaderElection(false), controller.MetricsPort(0),
	).Run(ctx)
	return nil
}

// Provision makes the directory, writable by whoever the pod runs as, and describes it.
func (d *directories) Provision(
	_ context.Context, o controller.ProvisionOptions,
) (*core.PersistentVolume, controller.ProvisioningState, error) {
	if mode := o.PVC.Spec.VolumeMode; mode != nil && *mode == core.PersistentVolumeBlock {
		return nil, controller.ProvisioningFinished, fmt.Errorf("directories cannot serve as block volumes")
	}
	shared := o.StorageClass.Parameters["placement"] == "shared"
	parent := filepath.Join(d.state, "shared-volumes")
	if !shared {
		if o.SelectedNodeName == "" {
			return nil, controller.ProvisioningFinished, fmt.Errorf("no node was chosen for the claim")
		}
		for _, mode := range o.PVC.Spec.AccessModes {
			if mode == core.ReadWriteMany || mode == core.ReadOnlyMany {
				return nil, controller.ProvisioningFinished,
					fmt.Errorf("a volume of one node cannot be %s; use the storage class \"shared\"", mode)
			}
		}
		parent = filepath.Join(d.state, "nodes", o.SelectedNodeName, "volumes")
	}
	path := filepath.Join(parent, o.PVName)
	if err := os.MkdirAll(path, 0o755); err != nil {
		return nil, controller.ProvisioningFinished, err
	}
	if err := os.Chmod(path, 0o777); err != nil {
		return nil, controller.ProvisioningFinished, err
	}
	return d.describe(o, path, shared), controller.ProvisioningFinished, nil
}

func (d *directories) describe(o controller.ProvisionOptions, path string, shared bool) *core.PersistentVolume {
	volume := &core.PersistentVolume{
		ObjectMeta: meta.ObjectMeta{Name: o.PVName},
		Spec: core.PersistentVolumeSpec{
			PersistentVolumeReclaimPolicy: *o.StorageClass.ReclaimPolicy,
			AccessModes:                   o.PVC.Spec.AccessModes,
			MountOptions:                  o.StorageClass.MountOptions,
			VolumeMode:                    o.PVC.Spec.VolumeMode,
			Capacity: core.ResourceList{
				core.ResourceStorage: o.PVC.Spec.Resources.Requests[core.ResourceStorage],
			},
			PersistentVolumeSource: core.PersistentVolumeSource{
				HostPath: &core.HostPathVolumeSource{Path: path},
			},
		},
	}
	if !shared {
		volume.Spec.NodeAffinity = &core.VolumeNodeAffinity{Required: &core.NodeSelector{
			NodeSelectorTerms: []core.NodeSelectorTerm{{MatchExpressions: []core.NodeSelectorRequirement{{
				Key: core.LabelHostname, Operator: core.NodeSelectorOpIn, Values: []string{o.SelectedNodeName},
			}}}},
		}}
	}
	return volume
}

// Delete removes the directory, and nothing that is not below the state directory.
func (d *directories) Delete(_ context.Context, volume *core.PersistentVolume) error {
	if volume.Spec.HostPath == nil {
		return fmt.Errorf("volume %s is not a directory of this provisioner", volume.Name)
	}
	path := filepath.Clean(volume.Spec.HostPath.Path)
	if inside, err := filepath.Rel(d.state, path); err != nil || !filepath.IsLocal(inside) || filepath.Base(path) != volume.Name {
		return fmt.Errorf("volume %s lies outside of %s", volume.Name, d.state)
	}
	return os.RemoveAll(path)
}
