// Policies enforces the NetworkPolicies of the one node there is: the kernel
// asks it about the first packet of every connection to or from a pod.
package main

import (
	"context"
	"flag"
	"log"
	"os/signal"
	"syscall"

	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/kube-network-policies/pkg/networkpolicy"
)

func main() {
	kubeconfig := flag.String("kubeconfig", "", "whom to ask for pods, namespaces and policies")
	queue := flag.Int("queue", 0, "where the kernel asks")
	node := flag.String("node", "", "its name")
	flag.Parse()
	if err := enforce(*kubeconfig, *node, *queue); err != nil {
		log.Fatal(err)
	}
}

func enforce(kubeconfig, node string, queue int) error {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	ends, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	seen := informers.NewSharedInformerFactory(client, 0)
	core := seen.Core().V1()
	controller, err := networkpolicy.NewController(
		client, seen.Networking().V1().NetworkPolicies(), core.Namespaces(), core.Pods(),
		// Nodes and the policies of administrators, which there are none of here.
		nil, nil, nil, nil,
		networkpolicy.Config{NodeName: node, QueueID: queue},
	)
	if err != nil {
		return err
	}
	seen.Start(ends.Done())
	return controller.Run(ends)
}
