export function checkImports(root?: string): Promise<{
  modules: number;
  edges: number;
  problems: string[];
}>;
